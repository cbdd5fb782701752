#pragma once
// The matrix product of the CPU, by oneDNN.

#include "ops/core/accumulate.hpp"
#include "ops/core/cpu/bf16_products.hpp"
#include "ops/core/cpu/matrix.hpp"
#include "ops/core/dtype.hpp"

namespace isobath::kernel {

/// c = a b (Overwrite) or c += a b (Add) for a: [M, K], b: [K, N], c: [M, N] with c.column_step 1; any extent may be 0.
/// Products are summed in f32 and rounded to Out once, bf16 operands as `bf16` says. Instances: In, Out = float,
/// float; bfloat16, float; bfloat16, bfloat16. Uses the kernel threads of the caller (ops/core/threads.hpp); one inside
/// a parallel region. One compiled primitive serves all extents, so that ragged row counts cost no compilation. Throws
/// InternalError if oneDNN refuses.
template <class In, class Out>
void matmul(Matrix<const In> a, Matrix<const In> b, Matrix<Out> c, Accumulate mode,
            Bf16Products bf16 = bf16_products());

/// c (+)= a^T b for tall a: [K, M] and b: [K, N], as weight gradients are. Every thread owns a part of c and takes K in
/// slices whose packed copies stay in its cache (measured: up to a third faster than one piece); no thread waits for
/// another before the end. Each element is summed in the order of K.
template <class In>
void matmul_tall(Matrix<const In> a, Matrix<const In> b, Matrix<float> c, Accumulate mode);

}  // namespace isobath::kernel
