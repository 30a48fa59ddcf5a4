/* Listeners by the name of what they wait for. */

type Listener<T> = (detail: T) => void;

export class Events<T> {
    private readonly listeners = new Map<keyof T, Set<Listener<never>>>();

    /** Returns a function that ends it. */
    on<K extends keyof T>(type: K, listener: Listener<T[K]>): () => void {
        const all = this.listeners.get(type) ?? new Set();
        this.listeners.set(type, all);
        all.add(listener as Listener<never>);
        return () => all.delete(listener as Listener<never>);
    }

    tell<K extends keyof T>(type: K, detail: T[K]): void {
        for (const listener of [...(this.listeners.get(type) ?? [])])
            try {
                (listener as Listener<T[K]>)(detail);
            } catch (cause) {
                setTimeout(() => {
                    throw cause; /* for the console: it is no failure of who tells */
                });
            }
    }

    clear(): void {
        this.listeners.clear();
    }
}
