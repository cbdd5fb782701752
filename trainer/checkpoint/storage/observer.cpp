#include "trainer/checkpoint/storage/observer.hpp"

#include <utility>

namespace isobath {
namespace {

CheckpointObserver& current_observer() {
  static CheckpointObserver observer;
  return observer;
}

}  // namespace

void set_checkpoint_observer(CheckpointObserver observer) { current_observer() = std::move(observer); }

void reached(CheckpointPoint point) {
  if (const CheckpointObserver& observer = current_observer()) observer(point);
}

}  // namespace isobath
