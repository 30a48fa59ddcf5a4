/* The shaders of WebGL2, which takes no WGSL: shaders/paint.wgsl again, on textures in the place of buffers.
 *
 * Words lie in textures 1024 texels wide. What is computed is what paint.wgsl computes, line by line;
 * the reasons stand there.
 */

export const TEXTURE_WIDTH = 1024;

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D commands; // three texels each, or a strip: x, top | bottom << 16
uniform ivec2 size; // of the picture
uvec4 texel(usampler2D from, int i) {
    return texelFetch(from, ivec2(i & ${TEXTURE_WIDTH - 1}, i / ${TEXTURE_WIDTH}), 0);
}
`;

/* Six vertices make a quad; pixels count from the top. */
const QUAD = `
ivec2 corner() {
    int i = gl_VertexID % 6;
    return ivec2(i == 1 || i > 3, i > 1 && i != 4);
}
void place(ivec2 pixel) {
    vec2 share = vec2(pixel) / vec2(size);
    gl_Position = vec4(share.x * 2.0 - 1.0, 1.0 - share.y * 2.0, 0.0, 1.0);
}
`;

export const STRIP_VERTEX = `${HEAD}${QUAD}
void main() {
    uvec2 strip = texel(commands, gl_VertexID / 6).xy;
    ivec2 rows = ivec2(strip.y & 0xFFFFu, (strip.y >> 16) + 1u);
    ivec2 at = corner();
    place(ivec2(int(strip.x) + at.x, at.y == 0 ? rows.x : rows.y));
}
`;

export const STRIP_FRAGMENT = `#version 300 es
precision highp float;
out vec4 color;
void main() {
    color = vec4(1.0);
}
`;

/* gch__paint_quad: left | top << 16, right | bottom << 16, first or the pixel, end or none. */
export const PAINT_VERTEX = `${HEAD}${QUAD}
uniform usampler2D quads;
uniform uint ground;
flat out uint start;
flat out ivec2 list;
void main() {
    uvec4 quad = texel(quads, gl_VertexID / 6);
    bool is_plain = quad.w == 0xFFFFFFFFu;
    start = is_plain ? quad.z : ground;
    list = is_plain ? ivec2(0) : ivec2(quad.zw);
    uvec4 sides = uvec4(quad.xy & 0xFFFFu, quad.xy >> 16); // left right top bottom
    ivec2 at = corner();
    place(ivec2(at.x == 0 ? sides.x : sides.y, at.y == 0 ? sides.z : sides.w));
}
`;

export const PAINT_FRAGMENT = `${HEAD}
uniform usampler2D lists;
uniform usampler2D shapes; // two words a texel
uniform usampler2D atlas; // bytes: 8 curves, then glyphs
flat in uint start;
flat in ivec2 list;
out vec4 result;
const int BOX = 2, ROUND = 3, SLANTED = 4, GLYPH = 5, STROKE = 6, DISCS = 7, AREA = 8, BETWEEN = 13;

uint word(int at) {
    uvec4 pair = texel(shapes, at >> 1);
    return (at & 1) == 0 ? pair.x : pair.y;
}

// The words at an even place.
ivec2 range(int at) {
    return ivec2(texel(shapes, at >> 1).xy);
}

vec2 reals(int at) {
    return uintBitsToFloat(texel(shapes, at >> 1).xy);
}

uint mul_255(uint a, uint b) {
    uint t = a * b + 128u;
    return (t + (t >> 8)) >> 8;
}

uint blend(uint under, uint over, uint alpha) {
    uint rest = 255u - alpha;
    uint rb = (over & 0x00FF00FFu) * alpha + (under & 0x00FF00FFu) * rest + 0x00800080u;
    uint g = ((over >> 8) & 0xFFu) * alpha + ((under >> 8) & 0xFFu) * rest + 0x80u;
    rb = ((rb + ((rb >> 8) & 0x00FF00FFu)) >> 8) & 0x00FF00FFu;
    g = (g + (g >> 8)) & 0x0000FF00u;
    return 0xFF000000u | rb | g;
}

uint byte_of(float cover) {
    return uint(clamp(cover, 0.0, 1.0) * 255.0 + 0.5);
}

uint soft_alpha(uint color, float cover) {
    return uint(float(color >> 24) * clamp(cover, 0.0, 1.0) + 0.5);
}

float box_cover(vec4 box, vec2 centre) {
    vec2 part = min(box.zw, centre + 0.5) - max(box.xy, centre - 0.5);
    return max(part.x, 0.0) * max(part.y, 0.0);
}

float round_cover(vec4 box, float radius, vec2 centre) {
    vec2 half_size = (box.zw - box.xy) * 0.5;
    float r = min(radius, min(half_size.x, half_size.y));
    vec2 q = abs(centre - (box.xy + box.zw) * 0.5) - half_size + r;
    return 0.5 - (length(max(q, vec2(0.0))) + min(max(q.x, q.y), 0.0) - r);
}

float slanted_cover(vec4 ends, float width, vec2 centre) {
    vec2 way = ends.zw - ends.xy;
    float whole = length(way);
    vec2 u = way / whole;
    vec2 p = centre - ends.xy;
    float along = dot(p, u);
    float side = min(width * 0.5 + 0.5 - abs(p.y * u.x - p.x * u.y), 1.0);
    float end = min(min(along, whole - along) + 0.5, 1.0);
    return max(side, 0.0) * max(end, 0.0);
}

uint glyph_cover(uvec4 b, uvec4 c, ivec2 pixel) {
    ivec2 d = pixel - ivec2(b.zw);
    int width = int(c.x);
    int height = int(c.y);
    uint turns = c.w & 3u;
    ivec2 at = turns == 0u ? d
             : turns == 1u ? ivec2(width - 1 - d.y, d.x)
             : turns == 2u ? ivec2(width - 1 - d.x, height - 1 - d.y)
                           : ivec2(d.y, height - 1 - d.x);
    uint cover = texel(atlas, int(c.z) + at.y * width + at.x).x;
    return texel(atlas, int((c.w >> 2) * 256u + cover)).x;
}

uint stroke_cover(int table, int shape, vec2 centre) {
    ivec2 run = range(table + int(centre.x) * 2);
    float cover = 0.0;
    for (int at = shape + run.x * 6; at < shape + run.y * 6; at += 6) {
        vec2 d = centre - reals(at);
        vec2 u = reals(at + 2);
        vec2 sizes = reals(at + 4);
        float along = dot(d, u);
        float nearest = clamp(along, 0.0, sizes.x);
        float away = abs(d.y * u.x - d.x * u.y);
        if (along != nearest) {
            away = length(d - u * nearest);
        }
        cover = max(cover, sizes.y - away);
        if (cover >= 1.0) {
            break;
        }
    }
    return byte_of(cover);
}

uint discs_cover(int table, int shape, vec4 c, int across, vec2 centre) {
    ivec2 tile = ivec2(centre) / 32;
    int at = table + tile.y * across + tile.x;
    int end = shape + int(word(at + 1)) * 2;
    float reach = c.x;
    float opacity = c.y;
    float nearest = reach;
    uint cover = 0u;
    for (at = shape + int(word(at)) * 2; at < end; at += 2) {
        float away = length(centre - reals(at));
        nearest = min(nearest, away);
        cover += mul_255(255u - cover, uint(clamp(reach - away, 0.0, 1.0) * opacity * 255.0 + 0.5));
    }
    return opacity >= 1.0 ? byte_of(reach - nearest) : cover;
}

float share_below(float row, float low, float high) {
    float start = clamp(low, row, row + 1.0);
    float to = clamp(high, row, row + 1.0);
    float share = row + 1.0 - to;
    if (to > start) {
        share += (to - start) * ((start + to) * 0.5 - low) / (high - low);
    }
    return share;
}

uint area_cover(int table, int shape, float baseline, vec2 centre) {
    float row = centre.y - 0.5;
    float left = centre.x - 0.5;
    ivec2 run = range(table + int(centre.x) * 2);
    float sum = 0.0;
    float width = 0.0;
    for (int at = shape + run.x * 4; at < shape + run.y * 4; at += 4) {
        vec2 a = reals(at);
        vec2 b = reals(at + 2);
        float start = max(a.x, left);
        float to = min(b.x, left + 1.0);
        if (to > start) {
            float slope = (b.y - a.y) / (b.x - a.x);
            float y0 = a.y + slope * (start - a.x);
            float y1 = a.y + slope * (to - a.x);
            sum += (to - start) * share_below(row, min(y0, y1), max(y0, y1));
            width += to - start;
        }
    }
    return byte_of(abs(sum - width * clamp(row + 1.0 - baseline, 0.0, 1.0)));
}

uint between_cover(int table, int shape, vec2 centre) {
    float row = centre.y - 0.5;
    float left = centre.x - 0.5;
    ivec2 run = range(table + int(centre.x) * 2);
    float sum = 0.0;
    for (int at = shape + run.x * 6; at < shape + run.y * 6; at += 6) {
        vec2 x = reals(at);
        float start = max(x.x, left);
        float to = min(x.y, left + 1.0);
        if (to > start) {
            vec2 shares = (vec2(start, to) - x.x) / (x.y - x.x);
            vec2 upper = reals(at + 2);
            vec2 lower = reals(at + 4);
            upper = mix(upper.xx, upper.yy, shares);
            lower = mix(lower.xx, lower.yy, shares);
            sum += (to - start) *
                   (share_below(row, min(upper.x, upper.y), max(upper.x, upper.y)) -
                    share_below(row, min(lower.x, lower.y), max(lower.x, lower.y)));
        }
    }
    return byte_of(sum);
}

// a: kind color left top; b: right bottom a b; c: c d e f.
uint paint_command(uvec4 a, uvec4 b, uvec4 c, ivec2 pixel, uint under) {
    vec2 centre = vec2(pixel) + 0.5;
    ivec2 corner = ivec2(int(c.w & 0xFFFFu), int(c.w >> 16));
    vec2 inside = centre - vec2(corner);
    vec4 box = uintBitsToFloat(uvec4(b.zw, c.xy));
    ivec2 places = ivec2(b.zw);
    uint color = a.y;
    uint alpha = color >> 24; // of a fill
    switch (int(a.x)) {
        case BOX:
            alpha = soft_alpha(color, box_cover(box, centre));
            break;
        case ROUND:
            alpha = soft_alpha(color, round_cover(box, uintBitsToFloat(c.z), centre));
            break;
        case SLANTED:
            alpha = soft_alpha(color, slanted_cover(box, uintBitsToFloat(c.z), centre));
            break;
        case GLYPH:
            alpha = mul_255(glyph_cover(b, c, pixel), alpha);
            break;
        case STROKE:
            alpha = mul_255(stroke_cover(places.x, places.y, inside), alpha);
            break;
        case DISCS:
            alpha = mul_255(discs_cover(places.x, places.y, uintBitsToFloat(c), int(c.z), inside), alpha);
            break;
        case AREA:
            color = word(int(c.y) + pixel.y - corner.y);
            alpha = mul_255(area_cover(places.x, places.y, uintBitsToFloat(c.x), inside), color >> 24);
            break;
        case BETWEEN:
            alpha = mul_255(between_cover(places.x, places.y, inside), alpha);
            break;
    }
    return blend(under, color, alpha);
}

void main() {
    ivec2 pixel = ivec2(int(gl_FragCoord.x), size.y - 1 - int(gl_FragCoord.y));
    uvec2 at = uvec2(pixel);
    uint color = start;
    for (int i = list.x; i < list.y; i++) {
        int command = int(texel(lists, i).x) * 3;
        uvec4 a = texel(commands, command);
        uvec4 b = texel(commands, command + 1);
        if (at.x >= a.z && at.x < b.x && at.y >= a.w && at.y < b.y) {
            color = paint_command(a, b, texel(commands, command + 2), pixel, color);
        }
    }
    result = vec4(uvec4(color, color >> 8, color >> 16, color >> 24) & 255u) / 255.0;
}
`;
