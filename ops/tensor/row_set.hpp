#pragma once
// A row set: which rows of a flattened batch take part. The set of all rows is the identity and costs nothing.

#include <cstdint>

#include "ops/tensor/tensor.hpp"

namespace isobath {

/// Rows of a batch of B sequences of T tokens, flattened to B * T rows (row = sequence * T + position).
/// `rows` ascends; `offsets[s] .. offsets[s + 1]` are the members of sequence s; `positions[i] = rows[i] % T` is the
/// original position.
class RowSet {
 public:
  RowSet() = default;
  /// Every row: no index tensors at all.
  static RowSet all(std::int64_t batch, std::int64_t length);
  /// From ascending rows, i32 [K] on any device, of which `offsets`, i32 [B + 1], delimits the sequences, and
  /// `positions`, i32 [K].
  static RowSet of(Tensor rows, Tensor offsets, Tensor positions, std::int64_t batch, std::int64_t length);
  /// From ascending host rows; offsets and positions follow. Throws InternalError when a row is out of range or out of
  /// order.
  static RowSet from_rows(std::span<const std::int32_t> rows, std::int64_t batch, std::int64_t length,
                          Device device = Device::cpu());

  bool is_all() const { return !rows_.defined(); }
  std::int64_t batch() const { return batch_; }
  std::int64_t length() const { return length_; }
  /// B * T: rows of the batch, chosen or not.
  std::int64_t total() const { return batch_ * length_; }
  /// K: rows in the set.
  std::int64_t size() const { return is_all() ? total() : rows_.dim(0); }
  /// Undefined tensors for the identity.
  const Tensor& rows() const { return rows_; }
  const Tensor& offsets() const { return offsets_; }
  const Tensor& positions() const { return positions_; }

 private:
  Tensor rows_, offsets_, positions_;
  std::int64_t batch_ = 0, length_ = 0;
};

}  // namespace isobath
