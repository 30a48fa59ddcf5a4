include(${CMAKE_CURRENT_LIST_DIR}/embed.cmake)

# gch_embed_shader(target name): shaders/NAME.wgsl, with the files that its lines "//!include FILE"
# name put in their places, linked into the target as gch__shader_NAME_start (gch_embed).
function(gch_embed_shader target name)
    set(folder "${PROJECT_SOURCE_DIR}/shaders")
    set(flat "${CMAKE_CURRENT_BINARY_DIR}/shaders/${name}.wgsl")
    file(READ "${folder}/${name}.wgsl" text)
    set(files "${folder}/${name}.wgsl")
    while(text MATCHES "(^|\n)//!include ([a-z/_]+\\.wgsl)\n")
        set(included "${CMAKE_MATCH_2}")
        file(READ "${folder}/${included}" part)
        string(REPLACE "//!include ${included}\n" "${part}" text "${text}")
        list(APPEND files "${folder}/${included}")
    endwhile()
    if(GCH_FAMILY STREQUAL "wasm") # without comments and indentation: half of the bytes
        string(REGEX REPLACE "//[^\n]*" "" text "${text}")
        string(REGEX REPLACE "[ \t\n]+" " " text "${text}")
        string(REGEX REPLACE " ?([{}();,]) ?" "\\1" text "${text}")
    endif()
    # A change to any of them makes the build configure, and so flatten, anew.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
    get_filename_component(symbol "${name}" NAME)
    file(CONFIGURE OUTPUT "${flat}" CONTENT "${text}" @ONLY)
    gch_embed(${target} gch__shader_${symbol} "${flat}" PACKAGE none)
endfunction()
