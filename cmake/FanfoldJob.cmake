# fanfold_add_job(NAME source...): compiles a job into the plugin NAME.so.
#
# Used by Fanfold's own jobs/ and, after find_package(fanfold), by every project that writes jobs:
#
#   find_package(fanfold REQUIRED)
#   fanfold_add_job(word_lengths word_lengths.cpp)      # then: fanfold run ./word_lengths.so ...
#
# NAME is an ordinary target: target_link_libraries(NAME PRIVATE ...) and the like work on it.
function(fanfold_add_job name)
  if(NOT ARGN)
    message(FATAL_ERROR "fanfold_add_job(${name}): name at least one source file.")
  endif()
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE fanfold::api)
  # `fanfold run` and `fanfold jobs` look for NAME.so.  Only the entry point is exported, so that
  # two plugins in one process never share an inline function or variable.
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX .so
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  # The hot loop of a task is compiled into the plugin: without optimisation everything is slow.
  target_compile_options(${name} PRIVATE $<$<STREQUAL:$<CONFIG>,>:-O3>)
  # An undefined symbol is a link error here rather than a failed task later.  (Sanitizer runtimes
  # live in the program that loads the plugin, and are undefined on purpose.)
  if(NOT FANFOLD_SANITIZE AND NOT "${CMAKE_CXX_FLAGS}${CMAKE_MODULE_LINKER_FLAGS}" MATCHES "fsanitize")
    target_link_options(${name} PRIVATE -Wl,--no-undefined)
  endif()
endfunction()
