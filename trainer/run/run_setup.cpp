#include "trainer/run/run_setup.hpp"

#include "data/files/fingerprint.hpp"
#include "ops/core/device_memory.hpp"
#include "ops/core/files/durable.hpp"
#include "ops/sdpa/sdpa.hpp"
#include "parallel/agreement.hpp"
#include "parallel/exchange.hpp"
#include "trainer/run/branch.hpp"

namespace isobath {
namespace {

/// `make` on rank 0 alone; its text on every rank, or its error thrown on every rank.
std::string from_root(Communicator& ranks, const std::function<std::string()>& make) {
  const std::string mine = on_every_rank(ranks, [&] { return ranks.rank() == 0 ? make() : std::string(); });
  return broadcast_text(ranks, mine);
}

void check_device(const SystemConfig& system) {
  if (system.device == DeviceChoice::Cuda && cuda_device_count() == 0)
    throw BackendError(
        text("system.device is cuda, but ", cuda_status(), "; set system.device: cpu, or run where there is a GPU"));
  if (system.device == DeviceChoice::Cuda && system.attention == AttentionChoice::Cudnn && !has_cudnn())
    throw BackendError(
        "system.attention is cudnn, but this isobath was built without cuDNN; set system.attention: own (docs/gpu.md "
        "says what the build needs)");
}

void check_ranks(const RunConfig& config, int ranks) {
  if (config.train.batch < ranks)
    throw Error(ExitCode::Config, text("train.batch is ", config.train.batch, " sequences for ", ranks,
                                       " ranks, and every rank needs one; raise train.batch or start fewer ranks"));
}

std::string digest_of(const RunConfig& config, config::DigestOf what) {
  return Hasher().update(std::string_view(digest_text(config, what))).finish().hex();
}

}  // namespace

RunSetup set_up_run(const std::function<ResolvedConfig()>& read, Communicator& ranks) {
  RunSetup setup;
  setup.config_text = from_root(ranks, [&] { return dump(read()); });
  setup.resolved = parse_run_config(setup.config_text, "configuration of rank 0");
  setup.config = setup.resolved.config;
  const RunConfig& given = setup.config;
  const std::string header = from_root(ranks, [&] {
    check_device(given.system);
    check_ranks(given, ranks.size());
    const DatasetHeader found = read_dataset_header(given.data);
    check_context(found, given.model.context);
    return found.to_json();
  });
  on_every_rank(ranks, [&] {
    setup.header = DatasetHeader::from_json(header);
    setup.dataset = open_dataset(setup.header);
    if (ranks.rank() == 0 && given.model.vocabulary != 0) check_vocabulary(setup.dataset, given.model.vocabulary);
  });
  if (setup.config.model.vocabulary == 0) setup.config.model.vocabulary = setup.dataset.vocabulary;
  setup.config_digest = digest_of(setup.config, config::DigestOf::KeptOnResume);
  return setup;
}

void agree_on_setup(const RunSetup& setup, int threads, Communicator& ranks) {
  agree(ranks, {{"isobath version", ISOBATH_VERSION},
                {"configuration", digest_of(setup.config, config::DigestOf::Everything)},
                {"dataset", setup.dataset.fingerprint.hex()},
                {"threads per rank", text(threads)},
                {"dtype", std::string(name_of(setup.config.system.dtype))}});
}

void open_run_directory(const RunSetup& setup, Communicator& ranks) {
  const RunPaths paths(setup.config);
  on_every_rank(ranks, [&] {
    if (ranks.rank() != 0) return;
    if (std::filesystem::exists(paths.config()))
      require_resumable(load_run_config(paths.config()).config, setup.resolved);
    else if (!setup.config.train.start_from.empty())
      check_branch(setup.resolved);
    std::error_code failed;
    std::filesystem::create_directories(paths.root, failed);
    if (failed) throw StorageError(text(paths.root.string(), ": cannot be made: ", failed.message()));
    write_durably(paths.config(), setup.config_text);
  });
}

}  // namespace isobath
