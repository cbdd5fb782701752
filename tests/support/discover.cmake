# isobath_discover_tests(PROGRAM PREFIX LABEL VARIABLE=VALUE...): the tests of a program, with these environment variables.
# gtest_discover_tests takes lists among its properties apart and would set the first variable only. So they are set by a script that ctest
# reads after the tests' names.
function(isobath_discover_tests program prefix label)
  string(MAKE_C_IDENTIFIER "${prefix}${program}" name)
  gtest_discover_tests(${program} TEST_PREFIX ${prefix} TEST_LIST tests_of_${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 600 LABELS ${label})
  set(script ${CMAKE_CURRENT_BINARY_DIR}/environment_of_${name}.cmake)
  file(WRITE ${script} "if(tests_of_${name})\n  set_tests_properties(\${tests_of_${name}} PROPERTIES ENVIRONMENT \"${ARGN}\")\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${script})
endfunction()
