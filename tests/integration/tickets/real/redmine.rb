# Runs a Redmine of its own: ruby redmine.rb FOLDER PORT. FOLDER/app is a copy of the program; the
# database, its contents and a key for each user are made when there is no database yet.
folder, port = ARGV
Dir.chdir("#{folder}/app") # migrations are looked for from there
ENV['BUNDLE_GEMFILE'] = "#{folder}/app/Gemfile"
require "#{folder}/app/config/environment"

def person(login, **attributes)
  user = User.new(firstname: login, lastname: 'Test', mail: "#{login}@example.org", **attributes)
  user.login = login
  user.password = 'secret-of-tests'
  user.save!
  user
end

# Telephony is as docs/tickets-redmine.md says. In Plain nobody made the field; in Locked it is for
# another tracker; Hidden may not be seen; Unfiltered has a field that is no filter.
def fill(folder)
  Redmine::DefaultData::Loader.load('en')
  Setting.rest_api_enabled = '1'
  trackers = Tracker.order(:position).to_a
  field = lambda do |name, **attributes|
    IssueCustomField.create!(
      name: name, field_format: 'string', is_filter: true, trackers: trackers, **attributes
    )
  end
  key = field.call('CallKey')
  other = field.call('BugKey', trackers: [trackers.last])
  unfiltered = field.call('Unfiltered', is_filter: false)
  field.call('Everywhere', is_for_all: true)
  fields = {
    'telephony' => [key], 'network' => [key], 'plain' => [], 'locked' => [other],
    'hidden' => [key], 'unfiltered' => [unfiltered]
  }
  projects = fields.to_h do |identifier, of_project|
    [identifier, Project.create!(
      name: identifier.capitalize, identifier: identifier, is_public: identifier != 'hidden',
      trackers: trackers, enabled_module_names: %w[issue_tracking wiki],
      issue_custom_fields: of_project
    )]
  end
  role = Role.create!(
    name: 'Telephone', issues_visibility: 'all',
    permissions: %i[view_issues add_issues edit_issues add_issue_notes]
  )
  poor = Role.create!(name: 'Poor', permissions: %i[view_issues edit_issues])
  ctid = person('ctid')
  weak = person('weak')
  projects.each do |identifier, project|
    Member.create!(project: project, principal: ctid, roles: [role]) if identifier != 'hidden'
  end
  Member.create!(project: projects['telephony'], principal: weak, roles: [poor])
  WorkflowTransition.copy(nil, Role.givable.first, trackers, [role, poor])
  wiki = WikiPage.new(wiki: projects['telephony'].wiki, title: 'Start')
  wiki.save_with_content(WikiContent.new(page: wiki, text: 'x', author: ctid))
  [ctid, weak, person('zhang', admin: true), person('stranger')].each do |user|
    File.write("#{folder}/key-#{user.login}", user.api_key)
  end
end

unless File.exist?("#{folder}/key-ctid")
  ActiveRecord::Migration.verbose = false
  ActiveRecord::Base.connection.migration_context.migrate
  ActiveRecord::Base.descendants.each(&:reset_column_information)
  fill(folder)
end

require 'rack/handler/puma'
Rack::Handler::Puma.run(
  Rails.application, Host: '127.0.0.1', Port: port.to_i, Threads: '1:4', Silent: true
)
