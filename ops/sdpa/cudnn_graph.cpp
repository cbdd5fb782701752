#include "ops/sdpa/cudnn_graph.hpp"

#include <cmath>
#include <string>
#include <vector>

#include <cudnn_frontend.h>

namespace isobath::kernel {
namespace {

namespace fe = cudnn_frontend;
using fe::graph::Graph;
using fe::graph::Tensor_attributes;

// The matrices of cuDNN's tensors are B x heads of T x D. Rows lie as isobath has them, all heads of a row together.
struct Layout {
  std::vector<std::int64_t> extents, strides;
};

Layout rows_of(const SdpaExtents& e, std::int64_t heads) {
  return {{e.batch, heads, e.length, e.width}, {e.length * heads * e.width, e.width, heads * e.width, 1}};
}

// Older versions of cuDNN read the sums in this order only, whatever strides say.
Layout sums_of(const SdpaExtents& e) { return {{e.batch, e.heads, e.length, 1}, {e.heads * e.length, e.length, 1, 1}}; }

void describe(Tensor_attributes& tensor, SdpaOperand operand, const Layout& layout) {
  tensor.set_uid(static_cast<std::int64_t>(operand)).set_dim(layout.extents).set_stride(layout.strides);
}

std::shared_ptr<Tensor_attributes> input(Graph& graph, SdpaOperand operand, const Layout& layout) {
  Tensor_attributes tensor;
  tensor.set_name("operand " + std::to_string(static_cast<std::int64_t>(operand)));
  describe(tensor, operand, layout);
  if (operand == SdpaOperand::LogSum) tensor.set_data_type(fe::DataType_t::FLOAT);
  return graph.tensor(tensor);
}

void output(Tensor_attributes& tensor, SdpaOperand operand, const Layout& layout) {
  describe(tensor, operand, layout);
  tensor.set_output(true);
}

SdpaGraph empty_graph(SdpaTarget target) {
  auto graph = std::make_shared<Graph>();
  graph->set_io_data_type(fe::DataType_t::BFLOAT16)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  if (target.sm != 0) graph->set_sm_version(target.sm);
  return graph;
}

// Causal: nothing right of the diagonal that begins at the first query and the first key.
template <class Attributes>
Attributes causal(const SdpaExtents& e) {
  Attributes attributes;
  attributes.set_name("attention")
      .set_attn_scale(1.0F / std::sqrt(static_cast<float>(e.width)))
      .set_diagonal_alignment(fe::DiagonalAlignment_t::TOP_LEFT)
      .set_diagonal_band_right_bound(0);
  return attributes;
}

}  // namespace

SdpaGraph sdpa_graph(const SdpaExtents& e, SdpaTarget target) {
  SdpaGraph graph = empty_graph(target);
  const Layout query_rows = rows_of(e, e.heads), key_rows = rows_of(e, e.key_heads);
  auto attributes = causal<fe::graph::SDPA_attributes>(e);
  attributes.set_generate_stats(true);
  const auto [out, sums] =
      graph->sdpa(input(*graph, SdpaOperand::Q, query_rows), input(*graph, SdpaOperand::K, key_rows),
                  input(*graph, SdpaOperand::V, key_rows), attributes);
  output(*out, SdpaOperand::Out, query_rows);
  output(*sums, SdpaOperand::LogSum, sums_of(e));
  sums->set_data_type(fe::DataType_t::FLOAT);
  return graph;
}

SdpaGraph sdpa_backward_graph(const SdpaExtents& e, SdpaTarget target) {
  SdpaGraph graph = empty_graph(target);
  const Layout query_rows = rows_of(e, e.heads), key_rows = rows_of(e, e.key_heads);
  auto attributes = causal<fe::graph::SDPA_backward_attributes>(e);
  attributes.set_deterministic_algorithm(true);
  const auto [grad_q, grad_k, grad_v] = graph->sdpa_backward(
      input(*graph, SdpaOperand::Q, query_rows), input(*graph, SdpaOperand::K, key_rows),
      input(*graph, SdpaOperand::V, key_rows), input(*graph, SdpaOperand::Out, query_rows),
      input(*graph, SdpaOperand::GradOut, query_rows), input(*graph, SdpaOperand::LogSum, sums_of(e)), attributes);
  output(*grad_q, SdpaOperand::GradQ, query_rows);
  output(*grad_k, SdpaOperand::GradK, key_rows);
  output(*grad_v, SdpaOperand::GradV, key_rows);
  return graph;
}

}  // namespace isobath::kernel
