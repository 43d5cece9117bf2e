# Compile and link flags of every target of ours, as one interface target.
add_library(pgstow_flags INTERFACE)
target_compile_options(pgstow_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Werror
  -fstack-protector-strong -fstack-clash-protection -fcf-protection)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # "text" + std::string warns falsely at -O2 (GCC bug 105651, mended in 13).
  target_compile_options(pgstow_flags INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's own stable_sort uses what it deprecates; clang blames the caller.
  target_compile_options(pgstow_flags INTERFACE -Wno-deprecated-declarations)
endif()
target_compile_definitions(pgstow_flags INTERFACE
  _GLIBCXX_ASSERTIONS PGSTOW_VERSION="${PROJECT_VERSION}")
target_link_options(pgstow_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
if(NOT CMAKE_CXX_FLAGS MATCHES "-O0" AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug"
   AND NOT PGSTOW_SANITIZE)
  target_compile_definitions(pgstow_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(PGSTOW_SANITIZE)
  target_compile_options(pgstow_flags INTERFACE
    -fsanitize=${PGSTOW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(pgstow_flags INTERFACE -fsanitize=${PGSTOW_SANITIZE})
endif()
if(PGSTOW_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # What the sanitizers put in makes gcc take sound code for a use of what was never set (std::regex).
  target_compile_options(pgstow_flags INTERFACE -Wno-maybe-uninitialized)
endif()
if(PGSTOW_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio's fences, which this sanitizer can't see: what they order is under mutexes, too.
  target_compile_options(pgstow_flags INTERFACE -Wno-tsan)
endif()
if(PGSTOW_COVERAGE)
  target_compile_options(pgstow_flags INTERFACE --coverage)
  target_link_options(pgstow_flags INTERFACE --coverage)
endif()

# Test cases are compiled for the sake of minutes, not of speed: they are two thirds of all that is
# built, and run for milliseconds. What they test, and the harness, is compiled as it is shipped.
function(pgstow_test_flags target)
  target_link_libraries(${target} PRIVATE pgstow_flags)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O0> $<$<CONFIG:Release>:-U_FORTIFY_SOURCE>)
  pgstow_precompiled(${target} base_test <gmock/gmock.h> <gtest/gtest.h>)
endfunction()
