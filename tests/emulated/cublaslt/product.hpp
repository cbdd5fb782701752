#pragma once
// The arithmetic of cublasLtMatmul.

#include "tests/emulated/cublaslt/descriptors.hpp"

namespace isobath::emulated {

/// A matrix after op(): element (row, column) lies at row + column * leading where a column is contiguous, and at
/// row * leading + column where a row is.
struct Factor {
  const void* data;
  cudaDataType_t type;
  std::int64_t leading;
  bool columns_are_contiguous;

  std::int64_t at(std::int64_t row, std::int64_t column) const {
    return columns_are_contiguous ? row + column * leading : row * leading + column;
  }
};

/// d = alpha a b + beta c, plus bias[row] in every column, for a: [rows, inner], b: [inner, columns].
struct Product {
  std::int64_t rows, columns, inner;
  Factor a, b, c, d;
  const void* bias;  // of d's type, or null
  float alpha, beta;
};

void multiply(const Product& product);

std::size_t bytes_of(cudaDataType_t type);
/// From the first element of a matrix to the end of its last one.
std::size_t bytes_of(const cublasLtMatrixLayoutOpaque_t& layout);

}  // namespace isobath::emulated
