# gch_embed (cmake/embed.cmake) for WebAssembly objects, where data is a symbol of a known size in a
# section of its own.
function(gch_embed_wasm target symbol file assembly)
    file(CONFIGURE OUTPUT "${assembly}" @ONLY CONTENT [[
    .section .rodata.@symbol@,"",@
    .globl @symbol@_start
    .globl @symbol@_end
    .type @symbol@_start,@object
    .type @symbol@_end,@object
    .p2align 4
@symbol@_start:
    .incbin "@file@"
@symbol@_end:
    .byte 0
    .size @symbol@_start, @symbol@_end - @symbol@_start
    .size @symbol@_end, 1
]])
    target_sources(${target} PRIVATE "${assembly}")
    set_source_files_properties("${assembly}" PROPERTIES
        OBJECT_DEPENDS "${file}"
        COMPILE_OPTIONS "-Wno-unused-command-line-argument")
endfunction()
