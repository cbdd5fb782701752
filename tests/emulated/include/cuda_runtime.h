#pragma once
// Found instead of the toolkit's header in a build with ISOBATH_CUDA=emulated: the part of CUDA that isobath uses,
// executed on the CPU. Host code and kernels include <cuda_runtime.h> as always.

#include "tests/emulated/api/device.hpp"
#include "tests/emulated/api/error.hpp"
#include "tests/emulated/api/launch.hpp"
#include "tests/emulated/api/memory.hpp"
#include "tests/emulated/api/stream.hpp"
#include "tests/emulated/device/atomics.hpp"
#include "tests/emulated/device/collectives.hpp"
#include "tests/emulated/device/keywords.hpp"
#include "tests/emulated/device/math.hpp"
#include "tests/emulated/device/matrices.hpp"
#include "tests/emulated/device/shared_memory.hpp"
#include "tests/emulated/graphs/api.hpp"
