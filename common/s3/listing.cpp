#include "common/s3/listing.hpp"

#include <charconv>

#include "common/s3/xml.hpp"

namespace fanfold::s3 {
namespace {

Status malformed(const std::string& bucket, const std::string& what) {
  return {StatusCode::kCorruption, "the listing of bucket '" + bucket + "' " + what};
}

Status add_page(const std::string& bucket, const std::string& xml, Listing* listing) {
  for (const std::string_view entry : elements(xml, "Contents")) {
    ListedObject object;
    object.key = text_of(entry, "Key").value_or("");
    object.etag = text_of(entry, "ETag").value_or("");
    const std::string size = text_of(entry, "Size").value_or("");
    const char* const end = size.data() + size.size();
    const auto [rest, error] = std::from_chars(size.data(), end, object.size);
    if (object.key.empty() || error != std::errc() || rest != end) {
      return malformed(bucket, "has an object without a key or a size");
    }
    listing->objects.push_back(std::move(object));
  }
  for (const std::string_view entry : elements(xml, "CommonPrefixes")) {
    listing->prefixes.push_back(text_of(entry, "Prefix").value_or(""));
  }
  return {};
}

}  // namespace

Result<Listing> list_objects(Client& client, const std::string& bucket,
                             const ListOptions& options) {
  Listing listing;
  std::string token;
  while (true) {
    Call call;
    call.object.bucket = bucket;
    call.query = {{"list-type", "2"}, {"prefix", options.prefix}};
    if (options.one_level) call.query.emplace_back("delimiter", "/");
    if (options.at_most != 0) {
      call.query.emplace_back("max-keys", std::to_string(options.at_most));
    }
    if (!token.empty()) call.query.emplace_back("continuation-token", token);
    FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client.perform(call));
    if (!answer.ok()) return client.refusal(call, answer);
    FANFOLD_RETURN_IF_ERROR(add_page(bucket, answer.body, &listing));
    const bool more = text_of(answer.body, "IsTruncated").value_or("false") == "true";
    const std::size_t found = listing.objects.size() + listing.prefixes.size();
    if (!more || (options.at_most != 0 && found >= options.at_most)) return listing;
    const std::string next = text_of(answer.body, "NextContinuationToken").value_or("");
    // The same page again, for ever.
    if (next.empty() || next == token) return malformed(bucket, "does not say where it goes on");
    token = next;
  }
}

}  // namespace fanfold::s3
