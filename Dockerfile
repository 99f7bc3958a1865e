# The server as an image: built from this checkout, run without rights. Data, keys and files are in /data; see docs/guides/several-servers.md.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TARGETARCH=amd64

# npm brings the designer; without it everything else works.
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Automation.sln global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY src src
COPY activities activities
COPY docs docs
RUN dotnet publish src/Automation.Server/Automation.Server.csproj -c Release -a $TARGETARCH --self-contained false -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
COPY workflow-definitions workflow-definitions
RUN mkdir /data && chown $APP_UID /data
USER $APP_UID
ENV ASPNETCORE_HTTP_PORTS=8080 Automation__DataDirectory=/data
EXPOSE 8080
VOLUME /data
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["dotnet", "Automation.Server.dll", "health"]
ENTRYPOINT ["dotnet", "Automation.Server.dll"]
