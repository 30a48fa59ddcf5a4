/* Colours of what the page draws itself, equal to the engine's (src/scene/scene_theme.c). */
import type { ThemeName } from './protocol.js';

export interface Theme {
    ground: string;
    text: string;
    muted: string;
    line: string;
    label: string;
    labelText: string;
    veil: string;
    up: string;
    down: string;
    /** Of what has the keyboard, and of marks of a gesture. */
    focus: string;
    /** 0xRRGGBBAA */
    palette: readonly number[];
}

export const THEMES: Record<ThemeName, Theme> = {
    light: {
        ground: '#ffffff',
        text: '#1f2328',
        muted: '#5b6570',
        line: '#8a949f',
        label: '#1f2328',
        labelText: '#ffffff',
        veil: 'rgb(255 255 255 / 82%)',
        up: '#119c8d',
        down: '#cf3340',
        focus: '#3f55dc',
        palette: [
            0x3f55dcff, 0xd97b1aff, 0x3b9a86ff, 0xb8085bff, 0x65109bff, 0xa07000ff, 0x2d9bdeff,
            0x7f1f2cff, 0x4d6201ff, 0x66707fff,
        ],
    },
    dark: {
        ground: '#0f1318',
        text: '#e6e9ee',
        muted: '#98a2b0',
        line: '#6d7785',
        label: '#e6e9ee',
        labelText: '#0f1318',
        veil: 'rgb(15 19 24 / 82%)',
        up: '#3fd0bb',
        down: '#ea4d57',
        focus: '#6690fe',
        palette: [
            0x6690feff, 0xeb9a0cff, 0x4ce0cdff, 0xe5567aff, 0x9d5fc0ff, 0xf1e16bff, 0x72bff3ff,
            0xb95212ff, 0xa2c27cff, 0x7b8a9aff,
        ],
    },
    contrast: {
        ground: '#000000',
        text: '#ffffff',
        muted: '#dcdcdc',
        line: '#b4b4b4',
        label: '#ffffff',
        labelText: '#000000',
        veil: 'rgb(0 0 0 / 90%)',
        up: '#3fe0c8',
        down: '#ff5c66',
        focus: '#ffd84d',
        palette: [
            0x6690feff, 0xeb9a0cff, 0x4ce0cdff, 0xe3517fff, 0x9d5fc0ff, 0xf1e16bff, 0x72bff3ff,
            0xc75a16ff, 0xa2c27cff, 0x7b8a9aff,
        ],
    },
};

export function seriesColor(theme: ThemeName, index: number): number {
    const { palette } = THEMES[theme];
    return palette[index % palette.length] ?? 0;
}

export function cssColor(rgba: number): string {
    return `#${(rgba >>> 0).toString(16).padStart(8, '0')}`;
}

/** "#rgb", "#rrggbb" or "#rrggbbaa" as 0xRRGGBBAA; undefined if it is none of them. */
export function parseColor(text: string): number | undefined {
    const match = /^#([0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})$/i.exec(text);
    if (match === null) return undefined;
    let digits = match[1] ?? '';
    if (digits.length === 3) digits = [...digits].map((digit) => digit + digit).join('');
    return Number.parseInt(digits.padEnd(8, 'f'), 16);
}
