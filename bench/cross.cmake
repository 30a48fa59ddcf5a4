# What a cross build measures: the kernels, in time where the engine compiles them, in instructions
# where they are emulated.
if(GCH_FAMILY STREQUAL "wasm")
    set(lean_source bench_lean_time.c)
else()
    set(lean_source bench_lean_instructions.c)
endif()
add_executable(bench_kernels_lean bench_kernels_lean.c bench_kernels_cases.c ${lean_source})
target_link_libraries(bench_kernels_lean PRIVATE gch_codec m)
add_executable(bench_csv_kernels bench_csv_kernels.c ${lean_source})
target_link_libraries(bench_csv_kernels PRIVATE gch_ingest_kernels m)
