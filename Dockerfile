# The server as an image: built from this checkout, run without rights. Data, keys and files are in /data.
#   docker build -t automation-server .
#   docker run -p 127.0.0.1:5000:8080 -v automation:/data -e Automation__Security__BootstrapPassword=… automation-server
# Several servers on one PostgreSQL: docker-compose.yml and docs/guides/several-servers.md.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TARGETARCH=amd64

# npm brings the designer.
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Automation.sln global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY src src
COPY activities activities
COPY workflow-definitions workflow-definitions

# A build goes on without the designer when npm cannot be reached; an image without it would be a surprise.
RUN dotnet publish src/Automation.Server/Automation.Server.csproj -c Release -a $TARGETARCH --self-contained false -o /app \
 && test -f /app/designer/_framework/blazor.webassembly.js

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
RUN mkdir -m 700 /data && chown $APP_UID /data
USER $APP_UID
ENV ASPNETCORE_HTTP_PORTS=8080 Automation__DataDirectory=/data
EXPOSE 8080
VOLUME /data
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["dotnet", "Automation.Server.dll", "health"]
ENTRYPOINT ["dotnet", "Automation.Server.dll"]
