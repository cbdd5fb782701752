#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// out[i] = table[ids[i]] for table: [V, C], ids: i32 [N] with values in [0, V); result [N, C].
/// The gradient sums each table row's contributions in ascending i: equal bits for any number of threads.
/// On the CPU an id outside [0, V) is a DataError that names the id and its place; a device does not look.
Tensor embedding(const Tensor& table, const Tensor& ids);

}  // namespace isobath
