# isobath::cudnn: cuDNN with the headers of cudnn-frontend, for builds by nvcc that find both. Without it system.attention: cudnn is refused.
# isobath_find_cudnn() says where they are, or in ISOBATH_CUDNN_LACK why there is no cuDNN; a test uses it in builds without CUDA too.
option(ISOBATH_CUDNN "use cuDNN's attention in a build by nvcc; off: system.attention: cudnn is refused" ON)
add_library(isobath_cudnn_binding INTERFACE)
add_library(isobath::cudnn ALIAS isobath_cudnn_binding)
set(ISOBATH_HAS_CUDNN OFF)

# The first version whose graphs of attention can be made without a device.
set(ISOBATH_CUDNN_FRONTEND_LEAST 1.20)

function(isobath_find_cudnn)
  file(GLOB wheels ${PROJECT_SOURCE_DIR}/build/test-python/lib/python3*/site-packages/include)  # of the PyPI wheel nvidia-cudnn-frontend
  find_path(ISOBATH_CUDNN_INCLUDE cudnn.h HINTS $ENV{CUDA_PATH}/include /usr/local/cuda/include)
  find_library(ISOBATH_CUDNN_LIBRARY cudnn HINTS $ENV{CUDA_PATH}/lib64 /usr/local/cuda/lib64)
  find_path(ISOBATH_CUDNN_FRONTEND_INCLUDE cudnn_frontend.h HINTS $ENV{CUDNN_FRONTEND_PATH}/include ${wheels})
  if(NOT ISOBATH_CUDNN_INCLUDE OR NOT ISOBATH_CUDNN_LIBRARY)
    set(ISOBATH_CUDNN_LACK "cudnn.h or libcudnn is not there" PARENT_SCOPE)
    return()
  endif()
  if(NOT ISOBATH_CUDNN_FRONTEND_INCLUDE)
    set(ISOBATH_CUDNN_LACK "the headers of cudnn-frontend are not there (pip install nvidia-cudnn-frontend has them; CUDNN_FRONTEND_PATH says where)"
        PARENT_SCOPE)
    return()
  endif()
  file(STRINGS ${ISOBATH_CUDNN_FRONTEND_INCLUDE}/cudnn_frontend_version.h lines REGEX "_(MAJOR|MINOR)_VERSION [0-9]+")
  string(REGEX REPLACE ".*MAJOR_VERSION ([0-9]+).*MINOR_VERSION ([0-9]+).*" "\\1.\\2" version "${lines}")
  if(version VERSION_LESS ISOBATH_CUDNN_FRONTEND_LEAST)
    set(ISOBATH_CUDNN_LACK "cudnn-frontend is ${version}; ${ISOBATH_CUDNN_FRONTEND_LEAST} is the least" PARENT_SCOPE)
    return()
  endif()
  set(ISOBATH_CUDNN_FRONTEND_VERSION ${version} PARENT_SCOPE)
  set(ISOBATH_CUDNN_LACK "" PARENT_SCOPE)
endfunction()

# The headers use no JSON of their own where nothing is read from files.
set(ISOBATH_CUDNN_DEFINITIONS CUDNN_FRONTEND_SKIP_JSON_LIB)
# They are large, and nothing in them is run often; at -O3 g++ 12 warns of sizes in their vectors that cannot be.
set(ISOBATH_CUDNN_OPTIONS -O1 -Wno-stringop-overflow)

if(ISOBATH_CUDA STREQUAL "real")
  set(ISOBATH_CUDNN_LACK "ISOBATH_CUDNN is off")
  if(ISOBATH_CUDNN)
    isobath_find_cudnn()
  endif()
  if(ISOBATH_CUDNN_LACK)
    message(STATUS "isobath: no cuDNN: ${ISOBATH_CUDNN_LACK}; system.attention: cudnn will be refused")
  else()
    message(STATUS "isobath: cuDNN ${ISOBATH_CUDNN_LIBRARY} with cudnn-frontend ${ISOBATH_CUDNN_FRONTEND_VERSION} of ${ISOBATH_CUDNN_FRONTEND_INCLUDE}")
    set(ISOBATH_HAS_CUDNN ON)
    target_include_directories(isobath_cudnn_binding SYSTEM INTERFACE ${ISOBATH_CUDNN_INCLUDE} ${ISOBATH_CUDNN_FRONTEND_INCLUDE})
    target_link_libraries(isobath_cudnn_binding INTERFACE ${ISOBATH_CUDNN_LIBRARY} CUDA::nvrtc)  # the headers compile kernels of their own where asked to
    target_compile_definitions(isobath_cudnn_binding INTERFACE ${ISOBATH_CUDNN_DEFINITIONS})
    file(GLOB graphs ${PROJECT_SOURCE_DIR}/ops/sdpa/cudnn_*.cpp)
    set_source_files_properties(${graphs} PROPERTIES COMPILE_OPTIONS "${ISOBATH_CUDNN_OPTIONS}")
  endif()
endif()
