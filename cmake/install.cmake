# `cmake --install`: the program, the libraries, their headers, and what find_package(fanin) reads.
include(CMakePackageConfigHelpers)

install(TARGETS fanin fanin_flags fanin_core fanin_layers fanin_init fanin_models fanin_data EXPORT fanin_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET fanin_app)
  install(TARGETS fanin_app RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Includes start at the root of the tree, so the tree is kept: include/fanin/core/tensor/tensor.h. A few are internal.
foreach(folder core layers init models data)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fanin
    FILES_MATCHING PATTERN "*.h" PATTERN "simd.h" EXCLUDE PATTERN "micro*.h" EXCLUDE
    PATTERN "direct_planes.h" EXCLUDE PATTERN "winograd_*.h" EXCLUDE PATTERN "ahead.h" EXCLUDE PATTERN "amx.h" EXCLUDE PATTERN "conv_*.h" EXCLUDE PATTERN "network_impl.h" EXCLUDE)
endforeach()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/fanin)
install(EXPORT fanin_targets NAMESPACE fanin:: DESTINATION ${package_folder})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/faninConfig.cmake.in ${PROJECT_BINARY_DIR}/faninConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/faninConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/faninConfig.cmake ${PROJECT_BINARY_DIR}/faninConfigVersion.cmake
  DESTINATION ${package_folder})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
