#pragma once
#include <filesystem>

#include "parallel/communicator.hpp"
#include "trainer/model/transformer.hpp"
#include "trainer/routing/route_trace.hpp"

namespace isobath {

/// Collects what top-k chooses while a run trains, on every rank its own sequences.
class RouteRecorder {
 public:
  RouteRecorder(std::int64_t batch, const ModelConfig& model);

  /// Adds the routed blocks of one forward pass; routes of every row are no decisions and are left out. The host waits
  /// for the rows.
  void note(const ModelOutput& output, const RoutingContext& context);
  /// Drops what was noted of `step`, counted from 0, and of all that follow: they will be made again from other data.
  void forget_from(std::int64_t step);
  /// Gathers all ranks' decisions on rank 0, which writes them. Collective. Throws StorageError on every rank.
  void write(const std::filesystem::path& path, Communicator& ranks);

 private:
  RouteTrace trace_;
};

}  // namespace isobath
