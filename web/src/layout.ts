/* Descriptions of charts and frames at the offsets that src/web/web.h asserts. */
import { type Abi, AXIS_BYTES, CHART_BYTES, PANEL_BYTES, PANEL_FRAME_BYTES, SERIES_BYTES } from './abi.js';
import { BACKENDS, DENSITY_SCALES, MARKS, PALETTES, STUDIES, THEME_NAMES } from './protocol.js';
import type { Backend, Frame, FrameAxis, FrameDesc, FramePanel, FrameSeries, PanelFrame } from './protocol.js';

const BARE = 1;
const NO_LEGEND = 2;
const HAS_TIME_RANGE = 8;
const HAS_LEFT = 1;
const HAS_RIGHT = 2;
const DASH_CAP = 8;

/** gch_web_backend. */
const BACKEND_NUMBERS: Record<Backend, number> = { cpu: 0, webgpu: 1, webgl2: 2 };

/** 1 + a column; 0: none. */
function by(column: number | undefined): number {
    return column === undefined ? 0 : column + 1;
}

export function writeSeries(abi: Abi, at: number, one: FrameSeries): void {
    const label = abi.text(one.label);
    const view = abi.view();
    const u32 = (offset: number, value: number) => view.setUint32(at + offset, value, true);
    const dash = one.dash?.slice(0, DASH_CAP) ?? [];
    u32(0, one.source);
    u32(4, one.column);
    u32(8, MARKS.indexOf(one.mark) + 1);
    u32(12, one.color >>> 0);
    view.setFloat32(at + 16, one.width, true);
    u32(20, label);
    u32(24, one.columnHigh ?? 0);
    u32(28, by(one.priceBy));
    u32(32, one.panel ?? 0);
    u32(36, one.side === 'right' ? 1 : 0);
    u32(40, dash.length);
    dash.forEach((length, i) => view.setFloat32(at + 44 + 4 * i, length, true));
    u32(76, one.bins ?? 0);
    u32(80, by(one.sizeBy));
    u32(84, by(one.colorBy));
    u32(88, by(one.categoryBy));
    u32(92, one.densityScale === undefined ? 0 : DENSITY_SCALES.indexOf(one.densityScale) + 1);
    u32(96, one.palette === undefined ? 0 : PALETTES.indexOf(one.palette) + 1);
    if (one.study === undefined) return;
    u32(100, STUDIES.indexOf(one.study.kind) + 1);
    u32(104, one.study.length);
    u32(108, one.study.source ?? 0);
    u32(112, one.study.column);
}

function writeAxis(abi: Abi, at: number, axis: FrameAxis): void {
    [axis.title, axis.bottom, axis.top].forEach((text, i) => {
        const place = abi.text(text);
        abi.view().setUint32(at + 4 * i, place, true);
    });
    abi.view().setUint32(at + 12, axis.isLog ? 1 : 0, true);
}

function writePanel(abi: Abi, at: number, panel: FramePanel): void {
    const title = abi.text(panel.title);
    abi.view().setUint32(at, title, true);
    abi.view().setFloat32(at + 4, panel.height, true);
    writeAxis(abi, at + 8, panel.left);
    writeAxis(abi, at + 8 + AXIS_BYTES, panel.right);
}

/** In the scratch memory of the next call. */
export function writeDesc(abi: Abi, desc: FrameDesc, backend: Backend): number {
    const at = abi.take(CHART_BYTES);
    const panels = desc.panels ?? [];
    const series = abi.take(desc.series.length * SERIES_BYTES);
    const panelsAt = abi.take(panels.length * PANEL_BYTES);
    desc.series.forEach((one, i) => writeSeries(abi, series + i * SERIES_BYTES, one));
    panels.forEach((one, i) => writePanel(abi, panelsAt + i * PANEL_BYTES, one));
    const texts = [desc.title, desc.timeZone, desc.barWidth, desc.bottom, desc.top].map((text) =>
        abi.text(text),
    );
    const left = abi.text(desc.left);
    const right = abi.text(desc.right);
    const view = abi.view();
    const u32 = (offset: number, value: number) => view.setUint32(at + offset, value, true);
    const flags =
        (desc.isBare ? BARE : 0) |
        (desc.hasLegend ? 0 : NO_LEGEND) |
        (desc.range !== undefined ? HAS_TIME_RANGE : 0);
    view.setBigInt64(at, desc.range?.from ?? 0n, true);
    view.setBigInt64(at + 8, desc.range?.to ?? 0n, true);
    u32(16, desc.width);
    u32(20, desc.height);
    view.setFloat32(at + 24, desc.scale, true);
    u32(28, flags);
    u32(32, THEME_NAMES.indexOf(desc.theme ?? 'light'));
    u32(36, desc.isLog === true ? 1 : 0);
    u32(40, desc.series.length);
    u32(44, series);
    texts.forEach((text, i) => u32(48 + 4 * i, text));
    u32(68, BACKEND_NUMBERS[backend]);
    u32(72, panels.length);
    u32(76, panelsAt);
    u32(80, left);
    u32(84, right);
    return at;
}

function readPanel(view: DataView, at: number): PanelFrame {
    const sides = view.getUint32(at + 16, true);
    const values = (offset: number) => ({
        min: view.getFloat64(at + offset, true),
        max: view.getFloat64(at + offset + 8, true),
    });
    return {
        x: view.getUint32(at, true),
        y: view.getUint32(at + 4, true),
        width: view.getUint32(at + 8, true),
        height: view.getUint32(at + 12, true),
        ...((sides & HAS_LEFT) === 0 ? {} : { left: values(24) }),
        ...((sides & HAS_RIGHT) === 0 ? {} : { right: values(40) }),
    };
}

/** Everything but the picture itself. */
export function readFrame(abi: Abi, at: number): Frame {
    const view = abi.view();
    const f64 = (offset: number) => view.getFloat64(at + offset, true);
    const u32 = (offset: number) => view.getUint32(at + offset, true);
    const exact = (offset: number) =>
        `${view.getBigInt64(at + offset, true)}e${view.getInt32(at + offset + 8, true)}`;
    const across = { min: f64(136), max: f64(144), left: exact(600), right: exact(616) };
    return {
        from: view.getBigInt64(at, true),
        to: view.getBigInt64(at + 8, true),
        bottom: f64(16),
        top: f64(24),
        complete: f64(32),
        rows: f64(40),
        bytesRead: f64(48),
        layoutMs: f64(56),
        queryMs: f64(64),
        rasterMs: f64(72),
        totalMs: f64(80),
        width: u32(88),
        height: u32(92),
        plot: { x: u32(96), y: u32(100), width: u32(104), height: u32(108) },
        backend: BACKENDS.find((one) => BACKEND_NUMBERS[one] === u32(116)) ?? 'cpu',
        backendReason: abi.readText(u32(124)),
        ...(across.min < across.max ? { across } : {}),
        panels: Array.from({ length: u32(128) }, (_, i) =>
            readPanel(view, at + 152 + i * PANEL_FRAME_BYTES),
        ),
    };
}
