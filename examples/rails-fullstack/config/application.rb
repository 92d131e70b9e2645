require_relative "boot"

require "rails"
# Only the parts that this application uses; `rails/all` would load mail, jobs and web sockets too.
require "active_model/railtie"
require "active_record/railtie"
require "action_controller/railtie"
require "action_view/railtie"
require "rails/test_unit/railtie"

Bundler.require(*Rails.groups)

module Guestbook
  class Application < Rails::Application
    config.load_defaults 7.2
    config.logger = ActiveSupport::TaggedLogging.new(ActiveSupport::Logger.new($stdout))
    config.generators.system_tests = nil
  end
end
