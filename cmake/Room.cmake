# pgstow_room(NAME [DEPENDS rooms...] [LIBS libraries...])
#
# A room is the folder src/NAME: one static library of its .cc files, one test program NAME_test of
# its *_test.cc files, and with PGSTOW_FUZZ one program per *_fuzz.cc file.
function(pgstow_room name)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;LIBS" ${ARGN})
  set(dir ${CMAKE_SOURCE_DIR}/src/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cc)
  file(GLOB tests CONFIGURE_DEPENDS ${dir}/*_test.cc)
  file(GLOB fuzzers CONFIGURE_DEPENDS ${dir}/*_fuzz.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  if(tests OR fuzzers)
    list(REMOVE_ITEM sources ${tests} ${fuzzers})
  endif()
  list(TRANSFORM ROOM_DEPENDS PREPEND pgstow_)

  add_library(pgstow_${name} STATIC ${sources})
  set_target_properties(pgstow_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(pgstow_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(pgstow_${name} PRIVATE pgstow_flags PUBLIC ${ROOM_DEPENDS} ${ROOM_LIBS})

  if(PGSTOW_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE pgstow_flags pgstow_${name} pgstow_harness
                          GTest::gtest_main GTest::gmock ${RAPIDCHECK})
    add_dependencies(${name}_test pgstow_keeper)
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60
                         PROPERTIES LABELS ${name} TIMEOUT 300)
  endif()
  if(PGSTOW_FUZZ)
    foreach(fuzzer ${fuzzers})
      cmake_path(GET fuzzer STEM stem)
      add_executable(${stem} ${fuzzer})
      target_compile_options(${stem} PRIVATE -fsanitize=fuzzer)
      target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${stem} PRIVATE pgstow_flags pgstow_${name})
    endforeach()
  endif()
endfunction()
