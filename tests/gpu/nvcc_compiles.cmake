# cmake -DROOT=... -DSCRATCH=... -P nvcc_compiles.cmake: every kernel compiles with nvcc for the devices that isobath
# supports, spills and warnings being errors. Needs no GPU and no driver.
cmake_minimum_required(VERSION 3.25)
find_program(NVCC nvcc HINTS $ENV{CUDA_PATH}/bin /usr/local/cuda/bin)
if(NOT NVCC)
  message("skipped: nvcc is neither in PATH, CUDA_PATH nor /usr/local/cuda")
  return()
endif()
include(${ROOT}/cmake/nvcc_flags.cmake)
file(GLOB_RECURSE kernels ${ROOT}/ops/*_cuda.cu ${ROOT}/tests/gpu/*_cuda.cu)
file(MAKE_DIRECTORY ${SCRATCH})
set(devices)
foreach(architecture 80 90 100)
  list(APPEND devices --generate-code=arch=compute_${architecture},code=sm_${architecture})
endforeach()
foreach(kernel IN LISTS kernels)
  message("compiling ${kernel} for sm_80, sm_90, sm_100")
  execute_process(
    COMMAND ${NVCC} -std=c++20 -O3 -DNDEBUG -DISOBATH_HAS_CUDA -I${ROOT} ${devices} ${ISOBATH_NVCC_FLAGS} -c ${kernel}
            -o ${SCRATCH}/kernel.o
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
