// Workers are counted, from before there is one.
export const workers = { made: 0, alive: 0 };
window.Worker = class extends Worker {
    constructor(...args) {
        super(...args);
        workers.made++;
        workers.alive++;
    }

    terminate() {
        workers.alive--;
        super.terminate();
    }
};
