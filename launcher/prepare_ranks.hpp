#pragma once
// Preparing a dataset by all ranks.

#include <functional>

#include "data/prepare/prepare.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

/// prepare() with help: rank 0 surveys the texts, has the tokenizer and puts the shards together; the parts in between
/// are encoded by all ranks, each with its `threads`. The dataset is that of one rank. `options` is called on rank 0
/// alone. Returns its report there, and an empty one elsewhere. What one rank alone throws all of them throw, as
/// AgreedError, within a block of text. Collective.
PrepareReport prepare_on_ranks(const std::function<PrepareOptions()>& options, int threads, Communicator& ranks);

}  // namespace isobath
