# isobath::cuda is what core and ops compile their CUDA sources against: nothing (off), the toolkit (real) or the
# stand-in that runs kernels on the CPU (emulated). Everything else sees only ISOBATH_HAS_CUDA. isobath::nccl adds NCCL.
add_library(isobath_cuda_binding INTERFACE)
add_library(isobath::cuda ALIAS isobath_cuda_binding)
add_library(isobath_nccl_binding INTERFACE)
add_library(isobath::nccl ALIAS isobath_nccl_binding)
target_link_libraries(isobath_nccl_binding INTERFACE isobath_cuda_binding)
set(ISOBATH_CUDA_FOLDERS)

if(ISOBATH_CUDA STREQUAL "real")
  find_program(CMAKE_CUDA_COMPILER nvcc HINTS $ENV{CUDA_PATH}/bin /usr/local/cuda/bin)
  if(NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "isobath: ISOBATH_CUDA=real needs nvcc, which is neither in PATH, CUDA_PATH nor /usr/local/cuda; "
                        "install the CUDA toolkit (13.0), or choose emulated or off")
  endif()
  # Machine code for A100, H100 and B200, and PTX (of 90) that later devices compile for themselves.
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90 100-real CACHE STRING "CUDA architectures")
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
  enable_language(CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake before 3.26 does not know how nvcc is asked for C++20
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  find_package(CUDAToolkit REQUIRED)
  target_link_libraries(isobath_cuda_binding INTERFACE CUDA::cudart CUDA::cublasLt)
  find_path(ISOBATH_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(ISOBATH_NCCL_LIBRARY nccl HINTS ${CUDAToolkit_LIBRARY_DIR})
  if(NOT ISOBATH_NCCL_INCLUDE OR NOT ISOBATH_NCCL_LIBRARY)
    message(FATAL_ERROR "isobath: nccl.h or libnccl is missing; install NCCL (libnccl-dev), or choose ISOBATH_CUDA=emulated or off")
  endif()
  target_include_directories(isobath_nccl_binding SYSTEM INTERFACE ${ISOBATH_NCCL_INCLUDE})
  target_link_libraries(isobath_nccl_binding INTERFACE ${ISOBATH_NCCL_LIBRARY})
  include(cmake/nvcc_flags.cmake)
  target_compile_options(isobath_cuda_binding INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:${ISOBATH_NVCC_FLAGS}>")
elseif(ISOBATH_CUDA STREQUAL "emulated")
  file(GLOB emulation CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/emulated/engine/*.cpp
                                        ${PROJECT_SOURCE_DIR}/tests/emulated/streams/*.cpp
                                        ${PROJECT_SOURCE_DIR}/tests/emulated/api/*.cpp
                                        ${PROJECT_SOURCE_DIR}/tests/emulated/graphs/*.cpp
                                        ${PROJECT_SOURCE_DIR}/tests/emulated/cublaslt/*.cpp
                                        ${PROJECT_SOURCE_DIR}/tests/emulated/nccl/*.cpp)
  add_library(isobath_emulated_cuda STATIC ${emulation})
  target_link_libraries(isobath_emulated_cuda PUBLIC isobath_options)
  target_include_directories(isobath_emulated_cuda PUBLIC ${PROJECT_SOURCE_DIR}/tests/emulated/include)
  if(ISOBATH_SANITIZE MATCHES "thread")  # the engine tells TSan itself what orders the threads of a block
    set_source_files_properties(${emulation} PROPERTIES COMPILE_OPTIONS -fno-sanitize=thread)
    target_compile_definitions(isobath_emulated_cuda PRIVATE ISOBATH_EMULATED_TSAN)
  endif()
  target_link_libraries(isobath_cuda_binding INTERFACE isobath_emulated_cuda)
  target_compile_definitions(isobath_emulated_cuda PUBLIC ISOBATH_EMULATED_CUDA)
elseif(NOT ISOBATH_CUDA STREQUAL "off")
  message(FATAL_ERROR "isobath: ISOBATH_CUDA=${ISOBATH_CUDA}; expected off, emulated or real")
endif()

if(NOT ISOBATH_CUDA STREQUAL "off")
  set(ISOBATH_CUDA_FOLDERS ops/core/cuda ops/core/cuda/report)
  target_compile_definitions(isobath_options INTERFACE ISOBATH_HAS_CUDA)
endif()

# The *_cuda.cu of a folder; the emulated build hands them to the C++ compiler.
function(isobath_cuda_sources out folder)
  set(files)
  if(NOT ISOBATH_CUDA STREQUAL "off")
    file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*_cuda.cu)
  endif()
  if(ISOBATH_CUDA STREQUAL "emulated" AND files)
    set_source_files_properties(${files} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS -Wno-unknown-pragmas)  # of nvcc
  endif()
  set(${out} ${files} PARENT_SCOPE)
endfunction()
