#pragma once
// Laying one document on another.

#include <string_view>

#include "configs/schema/document/config_error.hpp"
#include "configs/schema/document/node.hpp"

namespace isobath::config {

/// `over` laid on `base`: maps merge key by key, everything else is replaced; a section that holds nothing changes
/// nothing. A value below which a section would come to stand is a mistake in `base` and becomes an issue.
void merge(Node& base, Node over, Issues& issues);

/// Puts `value` at "a.b.c", making the sections on the way, by the rules of `merge`.
void assign(Node& root, std::string_view path, Node value, Issues& issues);

}  // namespace isobath::config
