// The React component in strict mode, which makes it twice: window.strict.leave() takes it away, and `workers` counts.
import { workers } from './workers.mjs';

const { StrictMode, createElement } = await import('react');
const { createRoot } = await import('react-dom/client');
const { GpuChart } = await import('../../../examples/react/GpuChart.tsx');

const app = document.getElementById('app');
const root = createRoot(app);
const series = [{ data: 'ticks.gch', column: 'price' }];
const drawn = new Promise((onComplete) =>
    root.render(createElement(StrictMode, null, createElement(GpuChart, { series, onComplete }))),
);

window.strict = {
    app,
    drawn,
    workers,
    leave: () => root.unmount(),
};
