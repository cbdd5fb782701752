#include "tests/emulated/cublaslt/product.hpp"

#include <bit>
#include <vector>

namespace isobath::emulated {
namespace {

float load(const void* data, cudaDataType_t type, std::int64_t index) {
  if (type == CUDA_R_32F) return static_cast<const float*>(data)[index];
  return std::bit_cast<float>(std::uint32_t{static_cast<const std::uint16_t*>(data)[index]} << 16);
}

// To the nearest bf16, ties to even; a NaN stays one.
std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value != value) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

void store(void* data, cudaDataType_t type, std::int64_t index, float value) {
  if (type == CUDA_R_32F)
    static_cast<float*>(data)[index] = value;
  else
    static_cast<std::uint16_t*>(data)[index] = to_bf16(value);
}

// Element (line, k) at line * inner + k.
template <class At>
std::vector<float> packed(const Factor& from, std::int64_t lines, std::int64_t inner, At&& at) {
  std::vector<float> out(static_cast<std::size_t>(lines * inner));
  for (std::int64_t line = 0; line < lines; ++line)
    for (std::int64_t k = 0; k < inner; ++k)
      out[static_cast<std::size_t>(line * inner + k)] = load(from.data, from.type, at(line, k));
  return out;
}

float dot(const float* a, const float* b, std::int64_t count) {
  float sum = 0.0F;
  for (std::int64_t k = 0; k < count; ++k) sum += a[k] * b[k];
  return sum;
}

}  // namespace

void multiply(const Product& p) {
  const auto a = packed(p.a, p.rows, p.inner, [&](std::int64_t row, std::int64_t k) { return p.a.at(row, k); });
  const auto b =
      packed(p.b, p.columns, p.inner, [&](std::int64_t column, std::int64_t k) { return p.b.at(k, column); });
  for (std::int64_t column = 0; column < p.columns; ++column)
    for (std::int64_t row = 0; row < p.rows; ++row) {
      float value = p.alpha * dot(a.data() + row * p.inner, b.data() + column * p.inner, p.inner);
      if (p.beta != 0.0F) value += p.beta * load(p.c.data, p.c.type, p.c.at(row, column));
      if (p.bias != nullptr) value += load(p.bias, p.d.type, row);
      store(const_cast<void*>(p.d.data), p.d.type, p.d.at(row, column), value);
    }
}

std::size_t bytes_of(cudaDataType_t type) { return type == CUDA_R_32F ? 4 : 2; }

std::size_t bytes_of(const cublasLtMatrixLayoutOpaque_t& layout) {
  const bool by_column = layout.order == CUBLASLT_ORDER_COL;
  const std::uint64_t lines = by_column ? layout.columns : layout.rows,
                      length = by_column ? layout.rows : layout.columns;
  return ((lines - 1) * static_cast<std::uint64_t>(layout.leading) + length) * bytes_of(layout.type);
}

}  // namespace isobath::emulated
