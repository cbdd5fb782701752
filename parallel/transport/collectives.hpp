#pragma once
// The collective algorithms, on top of transfers. They block and run on the communication thread. Sums are formed in
// rank order, so every rank gets the same bits on every run, whatever the transport and the timing.

#include <cstddef>
#include <span>
#include <vector>

#include "parallel/communicator.hpp"
#include "parallel/transport/transport.hpp"

namespace isobath::collectives {

/// Slices are exchanged, summed by their owner and spread again: 2 (N - 1) / N of the buffer leaves each rank, which is
/// the least possible. Messages of a few KiB go to everybody at once instead: half the latency.
void all_reduce(Transport& ranks, MutableBuffer data, Reduce how);
void reduce_scatter(Transport& ranks, Buffer whole, MutableBuffer mine, Reduce how);
void all_gather(Transport& ranks, Buffer mine, MutableBuffer whole);
/// Along a binomial tree: ceil(log2 N) rounds.
void broadcast(Transport& ranks, MutableBuffer data, int root);
std::vector<std::vector<std::byte>> gather(Transport& ranks, std::span<const std::byte> mine, int root);
/// Dissemination (Hensgen, Finkel, Manber 1988): ceil(log2 N) rounds of empty messages.
void barrier(Transport& ranks);

}  // namespace isobath::collectives
