# Where everything lands. OBS Studio owns include/obs/obs.h, libobs.so and the names libobs0 and libobs-dev: our headers
# and the link for developers lie in folders of our own, so that both can be installed (docs/obs-studio.md).
include(CMakePackageConfigHelpers)

set(OBS_INSTALL_HEADERS ${CMAKE_INSTALL_INCLUDEDIR}/libobs-1)
set(OBS_INSTALL_PRIVATE ${CMAKE_INSTALL_LIBDIR}/libobs-1)
set(OBS_INSTALL_CMAKE ${CMAKE_INSTALL_LIBDIR}/cmake/obs)

install(TARGETS obs EXPORT obs COMPONENT library LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_SKIP)
install(DIRECTORY include/obs DESTINATION ${OBS_INSTALL_HEADERS} COMPONENT development FILES_MATCHING PATTERN "*.h")
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/install)
file(CREATE_LINK ../libobs.so.1 ${PROJECT_BINARY_DIR}/install/libobs.so SYMBOLIC)
install(FILES ${PROJECT_BINARY_DIR}/install/libobs.so DESTINATION ${OBS_INSTALL_PRIVATE} COMPONENT development)

# pkg-config: relative to the file itself, so that the tree can be moved.
file(RELATIVE_PATH OBS_PREFIX_FROM_PC "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" OBS_PREFIX_FROM_PC "${OBS_PREFIX_FROM_PC}")
configure_file(cmake/obs.pc.in ${PROJECT_BINARY_DIR}/install/obs.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/install/obs.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# CMake: find_package(obs 0.1 REQUIRED), target obs::obs.
install(EXPORT obs NAMESPACE obs:: FILE obsTargets.cmake DESTINATION ${OBS_INSTALL_CMAKE} COMPONENT development)
configure_package_config_file(cmake/obsConfig.cmake.in ${PROJECT_BINARY_DIR}/install/obsConfig.cmake
  INSTALL_DESTINATION ${OBS_INSTALL_CMAKE})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/install/obsConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/install/obsConfig.cmake ${PROJECT_BINARY_DIR}/install/obsConfigVersion.cmake
  DESTINATION ${OBS_INSTALL_CMAKE} COMPONENT development)

# The command finds its library beside it, wherever the tree stands.
file(RELATIVE_PATH OBS_LIBRARIES_FROM_BIN "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
set_target_properties(obsctl PROPERTIES INSTALL_RPATH "$ORIGIN/${OBS_LIBRARIES_FROM_BIN}")
install(TARGETS obsctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT command)
# Man pages and shell completion come out of the command itself (src/CMakeLists.txt).
install(DIRECTORY ${PROJECT_BINARY_DIR}/share/ DESTINATION ${CMAKE_INSTALL_DATADIR} COMPONENT command)

install(FILES LICENSE NOTICE docs/third-party.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libobs-sdk COMPONENT library)
