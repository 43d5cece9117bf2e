# The headers of others that most files read, parsed once: a third of a build's time. Every file
# still includes what it uses: the sanitizers' presets build without this.
set(PGSTOW_HEADERS <fmt/format.h> <algorithm> <array> <chrono> <filesystem> <functional> <map>
    <memory> <mutex> <optional> <set> <stop_token> <string> <string_view> <thread> <utility> <vector>)

# pgstow_precompiled(TARGET OWNER [HEADER...])
#
# OWNER, of the first call with it, is the target that they are compiled with: the flags of all its
# users have to be the same. The further headers are read on top of those above.
function(pgstow_precompiled target owner)
  if(NOT PGSTOW_PRECOMPILED)
    return()
  endif()
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${PGSTOW_HEADERS} ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # In what was precompiled, GCC warns falsely of its own strings; the other presets still ask.
    target_compile_options(${target} PRIVATE -Wno-stringop-overflow -Wno-array-bounds)
  endif()
endfunction()
