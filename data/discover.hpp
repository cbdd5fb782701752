#pragma once
// From a path to token files: which format, which files train, which validate.

#include <filesystem>
#include <vector>

#include "configs/schema/data_config.hpp"
#include "data/text/tokenizer_data.hpp"
#include "data/tokens/token_file.hpp"

namespace isobath {

/// What a path stands for.
struct TokenSource {
  std::vector<TokenFileInfo> files;
  /// Files beside them that are meant for validation: val.bin beside train.bin, NAME_val*.bin beside NAME_train*.bin.
  std::vector<TokenFileInfo> validation;
  TokenizerData data;
};

/// `path` is one of
///   a folder with dataset.json, or that file;
///   a folder with [NAME_]train*.bin and perhaps [NAME_]val*.bin of one NAME, in llm.c's or nanoGPT's format;
///   a single *.tok or *.bin file, of which [NAME_]train.bin brings [NAME_]val.bin along;
///   a .bin with an .idx of Megatron beside it, also named by the .idx or without an ending.
/// `format` Auto takes the header's word, and a .bin file without a known header for nanoGPT's. Reads every header.
/// Throws DataError: nothing there, text that is not prepared, several datasets in one folder, or a file of another
/// format than asked for.
TokenSource discover_tokens(const std::filesystem::path& path, DataFormat format);

}  // namespace isobath
