/* gpu-charts: exact charts of very large time series. See docs/browser.md. */
export { Chart, createChart, linkCharts } from './chart.js';
export type { ChartEvents, ChartStats, ChartView, HoverValue, ViewInput } from './chart.js';
export { GpuChartElement, defineElement } from './element.js';
export { ChartError } from './error.js';
export type { ErrorCode } from './error.js';
export type { AxesOptions, ChartOptions, SeriesOptions } from './options.js';
export type { Backend, BackendChoice, ColumnInfo, Mark, SourceInfo, TimeUnit } from './protocol.js';
export { DataSource, openData } from './source.js';
export type { ArraysInput, DataInput, NumberList, OpenOptions, RowsInput, UrlInput } from './source.js';
export { formatSpan, formatTicks, toMs, toTicks } from './time.js';
export type { TimeInput } from './time.js';
