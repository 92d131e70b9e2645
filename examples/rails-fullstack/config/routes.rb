Rails.application.routes.draw do
  # 200 as long as the application has booted; for the container's healthcheck.
  get "up", to: "rails/health#show"

  resources :messages, only: %i[index create]
  root "messages#index"
end
