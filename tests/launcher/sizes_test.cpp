// The configurations of known sizes, by the program's dry run: parameters and forward FLOPs against arithmetic that is
// written out here and knows nothing of the program.

#include <ostream>

#include "launcher/program.hpp"
#include "ops/core/files/json.hpp"

namespace isobath::test {
namespace {

using nlohmann::json;
using Count = std::int64_t;

enum class Method { Dense, Gates, Routing };

/// A trunk, spelled out: nothing here is derived from another line.
struct Size {
  std::string name;
  Count batch, context, vocabulary;
  Count blocks, width, hidden;
  Count matrices;       ///< of the feed-forward branch: 2 with GELU, 3 with SwiGLU
  Count vectors;        ///< elements of a block's norms and biases
  Count tables;         ///< matrices of vocabulary x width
  Count positions;      ///< learned ones
  Count final_norm;     ///< elements
  Count router_hidden;  ///< a quarter of the width
  Count chosen;         ///< tokens that enter a routed block, an eighth of the context
  Count routed_blocks;  ///< every other one
  Count parameters;     ///< without routers: what papers and model cards call the size
};

// LayerNorm has two vectors, RMSNorm one; a block has two norms. Biases of a block of width C: 4 C in attention, 4 C +
// C in the feed-forward branch. QK-norm has two vectors over a head's channels (64 and 128 here).
const std::vector<Size> kSizes{
    {"tsa-paper", 64, 128, 65, 6, 256, 1024, 2, 4 * 256 + 9 * 256, 1, 128, 2 * 256, 64, 16, 3, 4'788'480},
    {"gpt2-124m", 8, 1024, 50257, 12, 768, 3072, 2, 4 * 768 + 9 * 768, 1, 1024, 2 * 768, 192, 128, 6, 124'439'808},
    {"gpt2-350m", 8, 1024, 50257, 24, 1024, 4096, 2, 4 * 1024 + 9 * 1024, 1, 1024, 2 * 1024, 256, 128, 12, 354'823'168},
    {"mod-220m", 128, 2048, 8192, 16, 1024, 2752, 3, 2 * 1024 + 2 * 64, 2, 0, 1024, 256, 256, 8, 219'188'224},
    {"mod-1b", 128, 2048, 32768, 18, 2048, 5504, 3, 2 * 2048 + 2 * 128, 2, 0, 2048, 512, 256, 9, 1'044'986'368},
};

void PrintTo(const Size& size, std::ostream* out) { *out << size.name; }

/// Elements of a network of one hidden layer and one output, biases included.
Count perceptron(Count inputs, Count hidden) { return inputs * hidden + hidden + hidden + 1; }

Count trunk_parameters(const Size& s) {
  const Count block = 4 * s.width * s.width + s.matrices * s.width * s.hidden + s.vectors;
  return s.tables * s.vocabulary * s.width + s.positions * s.width + s.blocks * block + s.final_norm;
}

/// Every block but the first has gates; a routed block has a score of `width` weights, and a predictor.
Count router_parameters(const Size& s, Method method) {
  if (method == Method::Gates) return (s.blocks - 1) * perceptron(s.width, s.router_hidden);
  if (method == Method::Routing) return s.routed_blocks * (s.width + perceptron(s.width, s.router_hidden));
  return 0;
}

struct Flops {
  Count router = 0, projection = 0, attention = 0, ffn = 0, head = 0;

  /// One block on `rows` tokens of a sequence. A multiply-add is two; a token is attended to by itself and those after.
  void add_block(const Size& s, Count rows) {
    projection += 4 * 2 * rows * s.width * s.width;
    attention += 2 * 2 * s.width * (rows * (rows + 1) / 2);
    ffn += s.matrices * 2 * rows * s.width * s.hidden;
  }
};

/// Forward, of one sequence.
Flops forward_flops(const Size& s, Method method) {
  Flops out;
  const Count routed = method == Method::Routing ? s.routed_blocks : 0;
  for (Count i = 0; i < s.blocks - routed; ++i) out.add_block(s, s.context);
  for (Count i = 0; i < routed; ++i) out.add_block(s, s.chosen);
  const Count perceptron_flops = 2 * s.context * s.width * s.router_hidden + 2 * s.context * s.router_hidden;
  if (method == Method::Gates) out.router = (s.blocks - 1) * perceptron_flops;
  if (method == Method::Routing) out.router = routed * (2 * s.context * s.width + perceptron_flops);
  out.head = 2 * s.context * s.width * s.vocabulary;
  return out;
}

struct Variant {
  std::string file;
  Method method;
};

/// The file of a size's own name holds the method that it is known for.
std::vector<Variant> variants_of(const std::string& name) {
  if (name == "tsa-paper")
    return {{name, Method::Gates}, {name + "-dense", Method::Dense}, {name + "-mod", Method::Routing}};
  if (name.starts_with("gpt2"))
    return {{name, Method::Dense}, {name + "-tsa", Method::Gates}, {name + "-mod", Method::Routing}};
  return {{name, Method::Routing}, {name + "-dense", Method::Dense}, {name + "-tsa", Method::Gates}};
}

void expect_counts(const json& dry, const Size& size, Method method) {
  EXPECT_EQ(dry.at("parameters"), size.parameters + router_parameters(size, method));
  EXPECT_EQ(dry.at("router_parameters"), router_parameters(size, method));
  EXPECT_EQ(dry.at("tokens_per_step"), size.batch * size.context);
  const Flops expected = forward_flops(size, method);
  for (const auto& [kind, flops] : {std::pair{"router", expected.router},
                                    {"projection", expected.projection},
                                    {"attention", expected.attention},
                                    {"ffn", expected.ffn},
                                    {"head", expected.head}})
    EXPECT_EQ(dry.at("flops").at(kind).at("forward"), size.batch * flops) << kind;
  EXPECT_EQ(dry.at("flops").at("other").at("forward"), 0);
}

class Sizes : public testing::TestWithParam<Size> {};

TEST_P(Sizes, HaveTheParametersAndFlopsOfTheirName) {
  const Size& size = GetParam();
  ASSERT_EQ(trunk_parameters(size), size.parameters);
  const Workbench bench;
  for (const Variant& variant : variants_of(size.name)) {
    SCOPED_TRACE(variant.file);
    const Ending ending = bench.run("train " ISOBATH_SOURCE "/configs/experiment/" + variant.file +
                                    ".yaml --dry-run --json model.vocabulary=" + std::to_string(size.vocabulary));
    ASSERT_EQ(ending.code, 0) << ending.err;
    expect_counts(json::parse(ending.out), size, variant.method);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Sizes, testing::ValuesIn(kSizes), [](const auto& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace isobath::test
