# Flags of every target.
add_library(isobath_options INTERFACE)
target_include_directories(isobath_options INTERFACE ${PROJECT_SOURCE_DIR})
# errno and traps would keep loops with sqrt and exp from becoming vector code; neither is looked at anywhere.
set(flags -Wall -Wextra -Werror -fno-math-errno -fno-trapping-math)
if(ISOBATH_MARCH)
  list(APPEND flags -march=${ISOBATH_MARCH} -mprefer-vector-width=512)
endif()
if(ISOBATH_SANITIZE)
  list(APPEND flags -fsanitize=${ISOBATH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # Instrumented code at -O1 makes g++ 12 warn of overlaps and bounds inside std::string that are not there (GCC bug 105329).
  list(APPEND flags -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-maybe-uninitialized)
  target_link_options(isobath_options INTERFACE -fsanitize=${ISOBATH_SANITIZE})
endif()
target_compile_options(isobath_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${flags}>")  # nvcc has its own, in cuda.cmake
target_compile_definitions(isobath_options INTERFACE ISOBATH_VERSION="${PROJECT_VERSION}")
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
# The sanitizer presets: found errors need lines, not every variable, and most of the build is somebody else's template.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
