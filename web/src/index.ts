/* gpu-charts: exact charts of very large time series. See docs/browser.md. */
export { Chart, createChart } from './chart.js';
export type {
    AxisView,
    ChartEvents,
    ChartStats,
    ChartView,
    HoverValue,
    ViewInput,
} from './chart-types.js';
export { GpuChartElement, defineElement } from './element.js';
export { ChartError } from './error.js';
export type { ErrorCode } from './error.js';
export { linkCharts } from './link.js';
export type { AxesOptions, AxisOptions, ChartOptions, ColumnChoice, Dash } from './options.js';
export type { PanelOptions, SeriesOptions, StudyOptions } from './options.js';
export { DENSITY_SCALES, MARKS, PALETTES, STUDIES, THEME_NAMES } from './protocol.js';
export type { Backend, BackendChoice, ColumnInfo, DensityScale, Mark, Palette } from './protocol.js';
export type { Side, SourceInfo, StudyKind, ThemeName } from './protocol.js';
export type { StreamOptions, StreamStats, TimeUnit } from './protocol.js';
export { DataSource, openData } from './source.js';
export type { ArraysInput, DataInput, NumberList, OpenOptions, RowsInput, UrlInput } from './source.js';
export { formatRange, formatSpan, formatTicks, toMs, toTicks } from './time.js';
export type { TimeInput } from './time.js';
