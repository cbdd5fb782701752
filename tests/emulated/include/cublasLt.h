#pragma once
// Found instead of the toolkit's header in a build with ISOBATH_CUDA=emulated: the part of cuBLASLt that isobath uses.

#include "tests/emulated/cublaslt/cublaslt.hpp"
