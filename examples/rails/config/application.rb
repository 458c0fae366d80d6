require "rails"
require "active_record/railtie"
require "action_controller/railtie"
require "action_view/railtie"

# SQLite's own wait for a lock holds the lock of Ruby, so the thread that it waits for cannot go on. This one lets it.
module PatientSQLite
  def configure_connection
    super
    (@raw_connection || @connection).busy_handler { |tries| sleep(0.01) && tries < 3000 }
  end
end
ActiveSupport.on_load(:active_record_sqlite3adapter) { prepend PatientSQLite }

module Shop
  class Application < Rails::Application
    config.load_defaults 6.1
    config.eager_load = false
    config.time_zone = "Asia/Ho_Chi_Minh" # the gateway's times
    config.logger = ActiveSupport::Logger.new($stderr)
    config.log_level = :warn
    config.hosts = ["localhost", "127.0.0.1", ENV["SHOP_HOST"]].compact
    # The sidecar in front speaks https with customers, and http with Rails.
    config.action_dispatch.trusted_proxies = [IPAddr.new("127.0.0.1")]

    config.x.galaxypay_url = ENV.fetch("GALAXYPAY_URL", "http://localhost:9180")
    config.x.staff_password = ENV.fetch("STAFF_PASSWORD", "")
  end
end
