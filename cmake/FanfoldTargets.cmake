# Half of a compilation is the parsing of the same standard headers, so g++ parses them once.  The clang
# preset does without, and so proves that each source includes what it uses.
function(fanfold_add_precompiled name)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp "")
  add_library(fanfold_${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(fanfold_${name} PRIVATE fanfold_warnings)
  target_compile_options(fanfold_${name} PRIVATE -fpch-preprocess)
  target_precompile_headers(fanfold_${name} PRIVATE ${ARGN})
endfunction()

function(fanfold_use_precompiled target name)
  if(TARGET fanfold_${name})
    target_compile_options(${target} PRIVATE -fpch-preprocess)
    target_precompile_headers(${target} REUSE_FROM fanfold_${name})
  endif()
endfunction()

set(FANFOLD_STANDARD_HEADERS <algorithm> <chrono> <functional> <map> <memory> <optional> <string> <utility>
  <variant> <vector>)
fanfold_add_precompiled(precompiled ${FANFOLD_STANDARD_HEADERS})
if(TARGET fanfold_precompiled)
  set_target_properties(fanfold_precompiled PROPERTIES POSITION_INDEPENDENT_CODE ON)
endif()

# Sources of this folder with names of their own that others in it have, too.
function(fanfold_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# fanfold_add_library(scheduler SOURCES a.cpp HEADERS a.hpp DEPS fanfold::core PRIVATE_DEPS zstd)
# One library per folder; the target headers proves that each header compiles alone, and
# fanfold_<name>_link that the library links with nothing but its declared dependencies.
# Paths are relative to the calling folder.  Without SOURCES the library is header-only.
function(fanfold_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS" ${ARGN})
  if(ARG_SOURCES)
    add_library(fanfold_${name} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(fanfold_${name} PRIVATE fanfold_warnings ${ARG_PRIVATE_DEPS})
    set_target_properties(fanfold_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    fanfold_use_precompiled(fanfold_${name} precompiled)
  else()
    add_library(fanfold_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(fanfold::${name} ALIAS fanfold_${name})
  list(TRANSFORM ARG_HEADERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  target_sources(fanfold_${name} ${scope}
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${ARG_HEADERS})
  target_link_libraries(fanfold_${name} ${scope} ${ARG_DEPS})
  fanfold_check_headers(fanfold_${name} ${PROJECT_SOURCE_DIR} ${ARG_HEADERS})
  fanfold_use_precompiled(fanfold_${name}_headers precompiled)
  if(ARG_SOURCES AND FANFOLD_TESTS)
    fanfold_add_link_test(${name})
  endif()
endfunction()

# Makes the target headers compile each header of the library alone; base: what its name is relative to.
function(fanfold_check_headers library base)
  set(sources "")
  foreach(header ${ARGN})
    cmake_path(RELATIVE_PATH header BASE_DIRECTORY ${base})
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${library}_headers/${header}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"\n")
    list(APPEND sources ${source})
  endforeach()
  add_library(${library}_headers OBJECT EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(${library}_headers PRIVATE ${library} fanfold_warnings)
  # All that is looked for are errors.
  set_target_properties(${library}_headers PROPERTIES
    UNITY_BUILD OFF POSITION_INDEPENDENT_CODE ON
    CXX_COMPILER_LAUNCHER ${PROJECT_SOURCE_DIR}/cmake/check_syntax)
  add_dependencies(headers ${library}_headers)
endfunction()

# fanfold_embed(assets.cpp HEADER a/assets.hpp NAMESPACE a FILES kStyle style.css ...): makes the source, in the
# build folder, that defines what the header declares.
function(fanfold_embed source)
  cmake_parse_arguments(ARG "" "HEADER;NAMESPACE" "FILES" ${ARGN})
  set(pairs "")
  set(files "")
  while(ARG_FILES)
    list(POP_FRONT ARG_FILES name file)
    list(APPEND pairs ${name} ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    list(APPEND files ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endwhile()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${source})
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DHEADER=${ARG_HEADER} -DNAMESPACE=${ARG_NAMESPACE} "-DFILES=${pairs}"
      -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${PROJECT_SOURCE_DIR}/cmake/embed.cmake ${files}
    VERBATIM)
endfunction()

# A GoogleTest program of one folder: tests/<folder>/...  Each program is one ctest,
# started by the command after RUN_BY, if any.
function(fanfold_add_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;RUN_BY" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE fanfold_warnings ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  fanfold_use_precompiled(${name} precompiled_tests)
  add_test(NAME ${name} COMMAND ${ARG_RUN_BY} $<TARGET_FILE:${name}>)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

# All of the library, used or not, in a program that has nothing else.
function(fanfold_add_link_test name)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}_link.cpp "int main() {}\n")
  add_executable(fanfold_${name}_link ${CMAKE_CURRENT_BINARY_DIR}/${name}_link.cpp)
  set_target_properties(fanfold_${name}_link PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_link_libraries(fanfold_${name}_link PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,fanfold_${name}>)
endfunction()

# All targets of a folder and of those below it.
function(fanfold_targets_below folder result)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below ${folders})
    fanfold_targets_below(${below} more)
    list(APPEND targets ${more})
  endforeach()
  set(${result} ${targets} PARENT_SCOPE)
endfunction()

# Proves that `name` calls no clock, thread, socket, file or random source.
function(fanfold_add_purity_test name)
  add_test(NAME purity.${name}
    COMMAND ${PROJECT_SOURCE_DIR}/scripts/check_purity $<TARGET_FILE:fanfold_${name}>)
endfunction()
