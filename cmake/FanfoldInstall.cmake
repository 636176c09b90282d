# What `cmake --install` installs, and the package that other projects find: from the prefix by
# find_package(fanfold), from a build tree by -Dfanfold_DIR=<build>.
#
# The layout is fixed, because programs find the rest relative to themselves:
#   bin/fanfold  bin/fanfold-master  bin/fanfold-worker
#   lib/fanfold/jobs/NAME.so   lib/fanfold/items/items.so   share/fanfold/template/   share/fanfold/pipelines/
#   share/fanfold/maps/   include/fanfold/   lib/cmake/fanfold/
#   share/man/man1/fanfold*.1
include(CMakePackageConfigHelpers)

foreach(program fanfold fanfold-master fanfold-worker)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION bin)
  endif()
endforeach()

get_property(fanfold_bundled_jobs GLOBAL PROPERTY FANFOLD_BUNDLED_JOBS)
install(TARGETS ${fanfold_bundled_jobs} LIBRARY DESTINATION lib/fanfold/jobs)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/jobs/template/ DESTINATION share/fanfold/template)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/jobs/pipelines/ DESTINATION share/fanfold/pipelines)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/jobs/maps/ DESTINATION share/fanfold/maps)
install(TARGETS items LIBRARY DESTINATION lib/fanfold/items)

install(PROGRAMS ${PROJECT_SOURCE_DIR}/scripts/slurm/run.sbatch DESTINATION share/fanfold/slurm)
install(FILES ${PROJECT_SOURCE_DIR}/scripts/kubernetes/fanfold.yaml DESTINATION share/fanfold/kubernetes)
foreach(unit fanfold-master.service fanfold-worker.service)
  configure_file(${PROJECT_SOURCE_DIR}/scripts/systemd/${unit}.in ${PROJECT_BINARY_DIR}/systemd/${unit} @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/systemd/${unit} DESTINATION share/fanfold/systemd)
endforeach()

install(DIRECTORY ${PROJECT_BINARY_DIR}/share/man DESTINATION share FILES_MATCHING PATTERN "*.1")

install(DIRECTORY ${PROJECT_SOURCE_DIR}/common/include/fanfold ${PROJECT_BINARY_DIR}/include/fanfold
  DESTINATION include FILES_MATCHING PATTERN "*.hpp")

set_target_properties(fanfold_api PROPERTIES EXPORT_NAME api)
install(TARGETS fanfold_api EXPORT fanfoldTargets)
install(EXPORT fanfoldTargets NAMESPACE fanfold:: DESTINATION lib/cmake/fanfold)
export(EXPORT fanfoldTargets NAMESPACE fanfold:: FILE ${PROJECT_BINARY_DIR}/fanfoldTargets.cmake)

set(FANFOLD_CONFIG_DEPENDENCIES "")
configure_file(${PROJECT_SOURCE_DIR}/cmake/fanfoldConfig.cmake.in
  ${PROJECT_BINARY_DIR}/fanfoldConfig.cmake @ONLY)
# A plugin is refused by any other version, so nothing is gained by accepting one here.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fanfoldConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY ExactVersion)
configure_file(${PROJECT_SOURCE_DIR}/cmake/FanfoldJob.cmake ${PROJECT_BINARY_DIR}/FanfoldJob.cmake
  COPYONLY)
install(FILES
  ${PROJECT_BINARY_DIR}/fanfoldConfig.cmake
  ${PROJECT_BINARY_DIR}/fanfoldConfigVersion.cmake
  ${PROJECT_BINARY_DIR}/FanfoldJob.cmake
  DESTINATION lib/cmake/fanfold)
