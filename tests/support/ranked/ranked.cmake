# Tests whose bodies take a communicator (support/ranked/bodies.hpp) run twice: on ranks that are threads, in test_<name>
# beside the folder's other tests, and on ranks that are processes, in test_<name>_mpi under mpirun.
set(ISOBATH_MPI_ENVIRONMENT OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
    OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none)

function(isobath_ranked_program name)  # NAME SOURCE... LINK isobath library...
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE GTest::gtest ${ISOBATH_RAPIDCHECK} Threads::Threads isobath_options)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  isobath_link(${name} PRIVATE ${ARG_LINK})
  target_precompile_headers(${name} REUSE_FROM test_precompiled)
endfunction()

function(isobath_ranked_tests name)  # NAME LINK isobath library...: the folder's *_test.cpp and *_bodies.cpp
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB bodies CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_bodies.cpp)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  set(mains ${PROJECT_SOURCE_DIR}/tests/support/ranked)
  isobath_ranked_program(test_${name} ${sources} ${bodies} ${mains}/thread_main.cpp LINK ${ARG_LINK})
  isobath_ranked_program(test_${name}_mpi ${bodies} ${mains}/mpi_main.cpp LINK ${ARG_LINK})
  gtest_discover_tests(test_${name} TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 600 ENVIRONMENT "OMP_NUM_THREADS=1")
  if(NOT ISOBATH_SANITIZE)  # Open MPI is not instrumented
    foreach(ranks 1 2 4)
      add_test(NAME ${name}.mpirun_${ranks} COMMAND ${MPIEXEC_EXECUTABLE} -n ${ranks} $<TARGET_FILE:test_${name}_mpi>)
      set_tests_properties(${name}.mpirun_${ranks} PROPERTIES TIMEOUT 300 ENVIRONMENT "${ISOBATH_MPI_ENVIRONMENT}")
    endforeach()
  endif()
endfunction()
