/* A chart as a React component.
 *
 * The chart is made once, when the component appears, and destroyed with it; what changes afterwards
 * is handed to it. Keep `series` and `panels` in state or a memo: another array is other series.
 */
import { type Chart, type ChartEvents, type ChartOptions, createChart } from 'gpu-charts';
import { type CSSProperties, type Ref } from 'react';
import { useEffect, useImperativeHandle, useLayoutEffect, useRef } from 'react';

type Listeners = {
    [K in keyof ChartEvents as `on${Capitalize<K>}`]?: (detail: ChartEvents[K]) => void;
};

export interface GpuChartProps extends Omit<ChartOptions, 'signal'>, Listeners {
    className?: string;
    style?: CSSProperties;
    /** The chart itself, for what is no property: append, setView, toPNG, stats. */
    ref?: Ref<Chart>;
}

const EVENTS = ['view', 'hover', 'progress', 'complete', 'error', 'connection', 'series'] as const;

export function GpuChart(props: GpuChartProps) {
    const { className, style, ref, ...rest } = props;
    const element = useRef<HTMLDivElement>(null);
    const chart = useRef<Chart | null>(null);
    const latest = useRef(rest);
    latest.current = rest;

    useLayoutEffect(() => {
        const { current } = latest;
        if (element.current === null) return undefined;
        const made = createChart(element.current, optionsOf(current));
        chart.current = made;
        for (const type of EVENTS) {
            const name = `on${type[0]?.toUpperCase()}${type.slice(1)}` as keyof Listeners;
            /* The listener of the last rendering, not of the first. */
            made.on(type, (detail) => (latest.current[name] as ((detail: unknown) => void) | undefined)?.(detail));
        }
        return () => {
            chart.current = null;
            void made.destroy();
        };
    }, []);
    useImperativeHandle(ref, () => chart.current as Chart, []);

    const { series, panels, theme, timeZone, barWidth, follow } = rest;
    const isFirst = useRef(true);
    useEffect(() => {
        if (!isFirst.current) chart.current?.setSeries(series, panels).catch(() => undefined);
    }, [series, panels]);
    useEffect(() => chart.current?.setTheme(theme ?? 'auto'), [theme]);
    useEffect(() => chart.current?.setTimeZone(timeZone), [timeZone]);
    useEffect(() => chart.current?.setBarWidth(barWidth), [barWidth]);
    useEffect(() => chart.current?.setFollow(follow !== false), [follow]);
    useEffect(() => {
        isFirst.current = false; /* after the effects above have run once */
        return () => {
            isFirst.current = true;
        };
    }, []);

    return <div ref={element} className={className} style={{ height: 400, ...style }} />;
}

/** What createChart takes: everything but the listeners. */
function optionsOf(props: Omit<GpuChartProps, 'className' | 'style' | 'ref'>): ChartOptions {
    const entries = Object.entries(props).filter(([name]) => !/^on[A-Z]/.test(name));
    return Object.fromEntries(entries) as unknown as ChartOptions;
}
