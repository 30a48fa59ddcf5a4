/* A page with one chart: candles over areas, and what the pointer is at. */
import type { Chart, Mark, SeriesOptions } from 'gpu-charts';
import { useMemo, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { GpuChart } from './GpuChart.js';

function App() {
    const [type, setType] = useState<Mark>('candles');
    const [isDark, setDark] = useState(false);
    const [said, say] = useState('');
    const chart = useRef<Chart>(null);
    const series = useMemo<SeriesOptions[]>(
        () => [
            { data: 'ticks.gch', column: 'price', type },
            { data: 'ticks.gch', column: 'price', study: { kind: 'sma', length: 20 } },
            { data: 'ticks.gch', column: 'volume', type: 'area', panel: 1 },
        ],
        [type],
    );
    return (
        <>
            <p>
                <button onClick={() => setType(type === 'candles' ? 'line' : 'candles')}>{type}</button>
                <button onClick={() => setDark(!isDark)}>{isDark ? 'dark' : 'light'}</button>
                <button onClick={() => chart.current?.reset()}>all</button>
                <output>{said}</output>
            </p>
            <GpuChart
                ref={chart}
                series={series}
                theme={isDark ? 'dark' : 'light'}
                style={{ height: '80vh' }}
                onHover={(hover) => say(hover?.values[0]?.text ?? '')}
                onError={(error) => say(error.message)}
            />
        </>
    );
}

createRoot(document.getElementById('app') as HTMLElement).render(<App />);
