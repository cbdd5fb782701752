#pragma once
// For programs that watch what kernels do.

namespace isobath::emulated {

struct Grid;

/// Told of every grid, before its first thread begins and after its last one has returned. A grid that throws does not
/// end.
class GridObserver {
 public:
  virtual ~GridObserver() = default;
  virtual void begins(const Grid& grid) = 0;
  virtual void ends() = 0;
};

/// Of all grids from now on; null for nobody. It outlives them.
void observe_grids(GridObserver* observer);

}  // namespace isobath::emulated
