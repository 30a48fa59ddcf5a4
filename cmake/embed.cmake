# gch_embed(target symbol file PACKAGE debian-package)
# Links the bytes of a file into a target: `symbol`_start is the first of them, `symbol`_end one past
# the last. The file is read at build time and never copied into the source tree.
function(gch_embed target symbol file)
    cmake_parse_arguments(PARSE_ARGV 3 arg "" "PACKAGE" "")
    if(NOT EXISTS "${file}")
        message(FATAL_ERROR
            "${file} is missing: install the Debian package ${arg_PACKAGE} "
            "(apt-get install ${arg_PACKAGE})")
    endif()
    set(assembly "${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S")
    if(GCH_FAMILY STREQUAL "wasm")
        include("${PROJECT_SOURCE_DIR}/cmake/wasm32/embed.cmake")
        gch_embed_wasm(${target} ${symbol} "${file}" "${assembly}")
        return()
    endif()
    # The end symbol follows a byte of its own, so that the two never share an address.
    file(CONFIGURE OUTPUT "${assembly}" @ONLY CONTENT [[
    .section .rodata
    .balign 16
    .globl @symbol@_start
@symbol@_start:
    .incbin "@file@"
    .globl @symbol@_end
@symbol@_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
]])
    target_sources(${target} PRIVATE "${assembly}")
    # clang warns about C flags that assembling does not use.
    set_source_files_properties("${assembly}" PROPERTIES
        OBJECT_DEPENDS "${file}"
        COMPILE_OPTIONS "-Wno-unused-command-line-argument")
endfunction()
