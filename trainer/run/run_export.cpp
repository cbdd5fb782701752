#include "trainer/run/run_export.hpp"

#include <type_traits>

#include "configs/yaml/run_config.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"
#include "ops/core/files/json.hpp"
#include "trainer/checkpoint/catalog/verify.hpp"
#include "trainer/checkpoint/tools/safetensors.hpp"
#include "trainer/run/run_state.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kEmbedding = "embedding.tokens";

/// A section of the configuration with all its fields.
template <class Section>
ordered_json json_of(Section& section) {
  ordered_json out;
  Section::fields(section, [&out](const char* name, auto& value, const auto&...) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_enum_v<Value>)
      out[name] = std::string(name_of(value));
    else if constexpr (requires { out[name] = value; })
      out[name] = value;
    else
      out[name] = json_of(value);
  });
  return out;
}

std::vector<const TensorRecord*> weights_in(const Manifest& manifest) {
  std::vector<const TensorRecord*> weights;
  for (const TensorRecord& tensor : manifest.tensors)
    if (!is_moment(tensor.name)) weights.push_back(&tensor);
  return weights;
}

/// The configuration as it was trained: the vocabulary resolved.
RunConfig config_of(const Manifest& manifest, const fs::path& checkpoint) {
  RunConfig config = parse_run_config(manifest.state.config_text, (checkpoint / "manifest.json").string()).config;
  for (const TensorRecord& tensor : manifest.tensors)
    if (tensor.name == kEmbedding) config.model.vocabulary = tensor.shape[0];
  return config;
}

ordered_json description(RunConfig config, const Manifest& manifest) {
  const ModelConfig resolved = config.model.resolved();
  return {{"architectures", {"IsobathForCausalLM"}},
          {"model_type", "isobath"},
          {"vocab_size", config.model.vocabulary},
          {"hidden_size", config.model.width},
          {"num_hidden_layers", config.model.layers},
          {"num_attention_heads", config.model.heads},
          {"num_key_value_heads", config.model.key_heads()},
          {"intermediate_size", config.model.ffn_channels()},
          {"max_position_embeddings", config.model.context},
          {"tie_word_embeddings", config.model.has_tied_head()},
          {"torch_dtype", "float32"},
          {"model", json_of(resolved)},
          {"depth", json_of(config.depth)},
          {"isobath_version", manifest.isobath_version},
          {"trained_steps", manifest.state.step},
          {"trained_tokens", manifest.state.tokens}};
}

}  // namespace

void export_checkpoint(const fs::path& checkpoint, const fs::path& folder) {
  const Manifest manifest = read_manifest(checkpoint);
  const ordered_json config = description(config_of(manifest, checkpoint), manifest);
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw StorageError(system_failure(folder, "make it", failed.value()));
  write_safetensors(folder / "model.safetensors", checkpoint, manifest, weights_in(manifest),
                    {{"format", "pt"}, {"step", std::to_string(manifest.state.step)}});
  write_durably(folder / "config.json", config.dump(2) + "\n");
}

}  // namespace isobath
