#include "broker/net/ip_name.h"

#include <boost/asio/ip/address.hpp>

namespace tidelog::broker {

std::optional<std::string> canonical_ip(std::string_view text) {
  namespace ip = boost::asio::ip;
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

}  // namespace tidelog::broker
