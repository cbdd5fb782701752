#pragma once
// Products of bf16 operands on processors whose bf16 instructions are no faster than their f32 ones, or that have none.

#include "ops/core/accumulate.hpp"
#include "ops/core/cpu/matrix.hpp"
#include "ops/core/dtype.hpp"

namespace isobath::kernel {

/// Native: by the processor's bf16 instructions. Widened: as f32, block by block, which multiplies the same numbers and
/// rounds less on the way.
enum class Bf16Products { Native, Widened };

/// What pays on this processor; depends on nothing else, so that a run repeats. Native with AMX and on AMD's
/// AVX512_BF16 (twice the f32 rate). Widened on Intel without AMX (its vdpbf16ps runs at half the f32 rate: 89.5
/// against 179.0 GFLOP/s of a thread, from registers) and without AVX512_BF16.
Bf16Products bf16_products();

/// The contract of matmul() for bf16 operands, computed in f32. Memory beside the operands: a block of each, and the
/// sums of a block of rows where Out is bf16.
template <class Out>
void matmul_widened(Matrix<const bfloat16> a, Matrix<const bfloat16> b, Matrix<Out> c, Accumulate mode);

}  // namespace isobath::kernel
