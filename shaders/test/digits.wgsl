// The digits of doubles and floats, for render_gpu_encode_test.c: an entry of `values` is a float's
// bits, low and high, and the power of ten; out[2 * i] is what it is as a double, out[2 * i + 1] what
// its low word is as a float.

@group(0) @binding(0) var<storage, read> values: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> out: array<vec2u>;

//!include common/wide.wgsl
//!include common/long.wgsl
//!include common/digits.wgsl

@compute @workgroup_size(64)
fn find_digits(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&values)) {
        let value = values[id.x];
        out[2u * id.x] = digits_from_f64(value.xy, value.zw);
        out[2u * id.x + 1u] = digits_from_f32(value.x, value.zw);
    }
}
